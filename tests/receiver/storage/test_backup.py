"""The script of docs/backup.md on a live mail folder: restic, a receiver, a sender, and a reader."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.receiver.processes import ROOT, wait_until
from tests.receiver.server import Server

IN_OPEN, IN_ISDIR = 0x20, 0x40000000  # inotify(7)
MANY = 800  # more files than restic reads ahead
TRIES = range(0, 5000, 1000)  # the first messages of each; a machine that stands still misses the race


@pytest.fixture
def restic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in the environment of restic."""
    if not shutil.which("restic"):
        unavailable("restic is missing")
    monkeypatch.setenv("RESTIC_REPOSITORY", str(tmp_path / "repository"))
    monkeypatch.setenv("RESTIC_PASSWORD", "x")
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    subprocess.run(["restic", "init", "--quiet"], check=True)
    return tmp_path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script of the page."""
    text = re.search(r"```sh\n(#!/bin/sh\n.*?)```", (ROOT / "docs/backup.md").read_text(), re.DOTALL)
    assert text
    path = tmp_path / "letterbox-backup"
    path.write_text(text[1])
    path.chmod(0o755)
    return path


class Box:
    """The mailbox alice of a mail folder."""

    def __init__(self, mail: Path) -> None:
        self.mail, self.path = mail, mail / "example.test/alice"
        for part in ("tmp", "new", "cur"):
            (self.path / part).mkdir(parents=True, exist_ok=True)

    def fill(self, part: str, number: int, flags: str = "", first: int = 0) -> None:
        for each in range(first, first + number):
            name = f"16{each:08d}.M1P1Q{each}R{part.encode().hex()}.mx.example.test{flags}"
            (self.path / part / name).write_bytes(f"Subject: {part} {each}\r\n\r\nx\r\n".encode())

    def touch(self) -> None:
        """Let restic read all in cur again, which takes it a while."""
        for path in (self.path / "cur").iterdir():
            path.touch()

    def open_all(self) -> None:
        """What a mail client does: it moves each message from new to cur."""
        for path in (self.path / "new").iterdir():
            path.rename(self.path / "cur" / f"{path.name}:2,")


def digests(mail: Path) -> list[str]:
    """The SHA-256 of each message."""
    paths = [path for part in ("new", "cur") for path in mail.glob(f"[!.]*/*/{part}/*")]
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)


@contextmanager
def when_read(folder: Path, action: Callable[[], None]) -> Iterator[None]:
    """Do something once, when the first file of the folder is opened (inotify(7)). So its names were read."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    assert libc.inotify_add_watch(fd, os.fsencode(folder), IN_OPEN) >= 0

    def watch() -> None:
        while octets := os.read(fd, 65_536):
            at, is_file = 0, False
            while at < len(octets):
                _, mask, _, size = struct.unpack_from("iIII", octets, at)
                is_file, at = is_file or not mask & IN_ISDIR, at + 16 + size
            if is_file:
                action()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield
    thread.join(10)
    assert not thread.is_alive(), "no file was opened"
    os.close(fd)


def restored(target: Path, *options: str) -> Path:
    command = [
        "restic",
        "restore",
        "--quiet",
        "latest",
        "--host",
        socket.gethostname(),
        "--target",
        str(target),
    ]
    subprocess.run([*command, *options], check=True)
    return target / "mail"


def test_one_plain_snapshot_loses_what_is_opened_meanwhile_and_the_script_has_it(
    restic: Path, script: Path
) -> None:
    box = Box(restic / "mail")
    box.fill("cur", MANY, ":2,S")
    for first in TRIES:
        box.fill("new", 40, first=first)
        box.touch()
        there = digests(box.mail)
        with when_read(box.path / "cur", box.open_all):
            subprocess.run(["restic", "backup", "--quiet", "mail"], cwd=restic, check=True)
        lost = set(there) - set(digests(restored(restic / f"plain {first}")))
        if len(lost) == 40:
            break
    assert len(lost) == 40, "the race was not met"

    for first in TRIES:
        box.fill("new", 50, first=first + 500)
        box.touch()
        there = digests(box.mail)
        with when_read(box.path / "cur", box.open_all):
            done = subprocess.run([script, restic], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert digests(restored(restic / f"whole {first}")) == there
        if "snapshot 1 lacks 50 message(s), moved meanwhile" in done.stderr:
            return
    pytest.fail("the race was not met")


def test_a_snapshot_is_whole_while_mail_arrives_and_is_read(restic: Path, script: Path, serve) -> None:
    server: Server = serve(mail=restic / "mail")
    box, sent, done = Box(restic / "mail"), threading.Event(), threading.Event()
    box.fill("cur", 300, ":2,S")

    def send() -> None:
        number = 0
        with server.client() as client:
            while not done.is_set():
                client.begin("alice@example.test")
                client.send(f"Subject: live {number}\r\n\r\nx\r\n.\r\n".encode())
                client.expect(250)
                number += 1
                if number == 200:
                    sent.set()

    def read() -> None:
        while not done.wait(0.05):
            box.open_all()

    threads = [threading.Thread(target=each, daemon=True) for each in (send, read)]
    for thread in threads:
        thread.start()
    try:
        wait_until(sent.is_set, "200 messages")
        before = set(digests_of_living(box.mail))
        run = subprocess.run([script, restic], capture_output=True, text=True)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert run.returncode == 0, run.stderr
    saved = digests(restored(restic / "back"))
    assert len(saved) == len(set(saved)), "a message is there twice"
    assert len(before) >= 500 and before <= set(saved)
    assert set(saved) <= set(digests(box.mail))


def digests_of_living(mail: Path) -> Iterator[str]:
    """The SHA-256 of each message of a folder in which messages move meanwhile."""
    for _ in range(2):
        for part in ("new", "cur"):
            for path in mail.glob(f"*/*/{part}/*"):
                try:
                    yield hashlib.sha256(path.read_bytes()).hexdigest()
                except FileNotFoundError:
                    continue


def test_modes_times_and_links_come_back_and_the_receiver_s_own_files_do_not(
    restic: Path, script: Path
) -> None:
    box = Box(restic / "mail")
    box.fill("cur", 3, ":2,FS")
    box.fill("tmp", 2)
    first = min((box.path / "cur").iterdir())
    pending = box.mail / ".hooks/orders/pending"
    for folder in (pending, box.mail / ".wal", box.mail / ".owners", box.path / ".Archive/cur"):
        folder.mkdir(parents=True)
    (box.mail / ".wal/1").write_bytes(b"x")
    (box.mail / ".owners/abcdef01").write_bytes(b"")
    (pending / f"{first.name}.12345678").hardlink_to(first)
    (box.path / ".Archive/cur/1.x:2,S").write_bytes(b"Subject: kept\r\n\r\n")
    first.chmod(0o644)
    os.utime(first, (1_400_000_000, 1_400_000_000))
    box.path.chmod(0o700)
    assert subprocess.run([script, restic]).returncode == 0

    mail = restored(restic / "default", "--exclude", "mail/.hooks")
    names = sorted(str(path.relative_to(mail)) for path in mail.rglob("*") if path.is_file())
    expected = [path for part in ("cur", ".Archive/cur") for path in (box.path / part).iterdir()]
    assert names == sorted(str(path.relative_to(box.mail)) for path in expected)
    again = mail / first.relative_to(box.mail)
    assert (again.stat().st_mtime, again.stat().st_mode & 0o777) == (1_400_000_000, 0o644)
    assert (mail / "example.test/alice").stat().st_mode & 0o777 == 0o700
    assert (mail / "example.test/alice/tmp").is_dir()

    mail = restored(restic / "with hooks")
    linked = mail / ".hooks/orders/pending" / f"{first.name}.12345678"
    assert linked.stat().st_ino == (mail / first.relative_to(box.mail)).stat().st_ino
