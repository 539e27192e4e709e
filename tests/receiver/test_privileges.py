"""Root is given up before a stranger's octets are parsed: code in a parser can read nothing of root's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiver.wire import ROOT

NOBODY = 65_534
ATTEMPTS = """
import json, os, socket, sys
from receiver import privileges

def outcome(attempt):
    try:
        return attempt() or "done"
    except OSError as error:
        return error.strerror

def attempts():
    lines = open("/proc/self/status").read().splitlines()
    status = dict(line.split(":\\t") for line in lines if ":\\t" in line)
    return {
        "file": outcome(lambda: open(sys.argv[1]).read()),
        "descriptor": outcome(lambda: os.read(int(sys.argv[5]), 10).decode()),
        "root again": outcome(lambda: os.setuid(0)),
        "another user": outcome(lambda: os.setuid(1)),
        "parent's memory": outcome(lambda: open(f"/proc/{os.getppid()}/mem", "rb").read(1)),
        "parent's variables": outcome(lambda: open(f"/proc/{os.getppid()}/environ").read()),
        "first variables": outcome(lambda: open("/proc/self/environ").read()),
        "mount": outcome(lambda: os.chroot("/")),
        "signal": outcome(lambda: os.kill(os.getppid(), 9)) if os.getuid() else "",
        "variables": sorted(os.environ),
        "ids": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
        "capabilities": {status[name] for name in status if name.startswith("Cap")} == {"0" * 16},
        "no new privileges": status["NoNewPrivs"],
        "interfaces": [name for _, name in socket.if_nameindex()],
        "connection": outcome(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 5).close()),
    }

user = privileges.User(int(sys.argv[3]), int(sys.argv[3]))
print(json.dumps(privileges.ask_child(user, attempts, network=sys.argv[4] == "network")))
"""


@pytest.fixture
def root(is_root: bool) -> None:
    if not is_root:
        pytest.skip("giving root up needs root")


@pytest.fixture
def folder(root: None) -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def tried(folder: Path, *arguments: str) -> dict[str, object]:
    secret = folder / "secret"
    secret.write_text("root's alone")
    secret.chmod(0o600)
    with secret.open() as opened:
        command = [sys.executable, "-c", ATTEMPTS, str(secret), *arguments, str(opened.fileno())]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "TOKEN": "hush"}, pass_fds=[opened.fileno()],
            capture_output=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_nothing_of_roots_is_left_after_root_was_given_up(folder: Path, free_port: int) -> None:
    found = tried(folder, str(free_port), str(NOBODY), "none")
    assert found["file"] == found["parent's memory"] == found["first variables"] == "Permission denied"
    assert found["parent's variables"] == "Permission denied"
    assert found["root again"] == found["another user"] == found["mount"] == "Operation not permitted"
    assert found["signal"] == "Operation not permitted"
    assert found["descriptor"] == "Bad file descriptor"
    assert "TOKEN" not in str(found["variables"])
    assert found["ids"] == [NOBODY] * 6
    assert found["capabilities"] is True
    assert found["no new privileges"] == "1"
    assert found["interfaces"] == ["lo"]
    assert found["connection"] == "Network is unreachable"


def test_the_network_stays_where_it_is_needed_and_nothing_else(folder: Path, free_port: int) -> None:
    found = tried(folder, str(free_port), str(NOBODY), "network")
    assert found["connection"] == "Connection refused"
    assert (found["file"], found["capabilities"]) == ("Permission denied", True)


def test_for_mail_of_roots_all_but_the_user_is_given_up(folder: Path, free_port: int) -> None:
    found = tried(folder, str(free_port), "0", "none")
    assert found["capabilities"] is True
    assert found["interfaces"] == ["lo"]
    assert found["another user"] == found["mount"] == "Operation not permitted"


CHILD = """
import signal, sys, time
from receiver import privileges

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)

def work():
    print("at work", flush=True)
    if sys.argv[1] == "wait":
        time.sleep(60)
    return 7

code = privileges.in_child(privileges.User(65534, 65534), work)
print("tidied up", flush=True)
sys.exit(code)
"""


def test_the_code_of_the_child_is_the_code(root: None) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, "go"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "at work\ntidied up\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_child_and_then_root_tidies_up(root: None, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, "wait"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    began = time.monotonic()
    if number == signal.SIGINT:  # a terminal sends it to the whole group
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.communicate()[0] == "tidied up\n"
    assert process.returncode == 130
    assert time.monotonic() - began < 30


# The commands

SPY = """
import json, os, sys
from receiver import headers
from receiver.reading import content

def outcome(attempt):
    try:
        return str(attempt() or "done")
    except OSError as error:
        return error.strerror

def spied(parse):
    def parsing(*arguments, **options):
        with open("/proc/self/status") as status:
            effective = next(line.split()[1] for line in status if line.startswith("CapEff"))
        found = {
            "file": outcome(lambda: open(os.environ.get("SECRET") or sys.argv[1]).read()),
            "root": outcome(lambda: os.setuid(0)),
            "uid": os.geteuid(),
            "capabilities": int(effective, 16),
            "token": os.environ.get("TOKEN", ""),
            "parser": parse.__name__,
        }
        os.write(2, b"SPY " + json.dumps(found).encode() + b"\\n")
        return parse(*arguments, **options)
    return parsing

for module, name in ((headers, "parse"), (headers, "first"), (content, "read")):
    setattr(module, name, spied(getattr(module, name)))
from receiver.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
MESSAGE = (
    b"Return-Path: <a@b.test>\r\nDelivered-To: alice@example.test\r\nReceived: from x ([192.0.2.1])\r\n"
    b"\tby mx (Letterbox) with ESMTP\r\n\tid M1;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
    b"Subject: hello\r\nContent-Type: text/html; charset=gb18030\r\n\r\n<p>One &amp; two<p>three\r\n"
)


@pytest.fixture
def mail(folder: Path) -> Path:
    """A mail folder with one message, that belongs to another user than root."""
    for part in ("new", "cur", "tmp"):
        (folder / "mail/example.test/alice" / part).mkdir(parents=True)
    (folder / f"mail/example.test/alice/new/{int(time.time())}.M1P1Q1Rdeadbeef.mx").write_bytes(MESSAGE)
    for path in (folder / "mail", *(folder / "mail").rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder / "mail"


def spy_on(folder: Path, *command: str, **options: object) -> tuple[list[dict[str, object]], str, str]:
    """What code in a parser could do while the command ran as root; its output and its errors."""
    secret = folder / "secret"
    secret.write_text("root's alone")
    secret.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-c", SPY, str(secret), *command], cwd=ROOT, env={**os.environ, "TOKEN": "hush"},
        capture_output=True, text=True, timeout=60, **options,  # type: ignore[call-overload]
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    found = [json.loads(line.removeprefix("SPY ")) for line in lines if line.startswith("SPY ")]
    return found, done.stdout, "\n".join(line for line in lines if not line.startswith("SPY "))


def assert_without_root(found: list[dict[str, object]]) -> None:
    assert found, "no parser ran"
    for each in found:
        assert each["file"] == "Permission denied", each
        assert each["root"] == "Operation not permitted", each
        assert (each["uid"], each["capabilities"], each["token"]) == (NOBODY, 0, ""), each


@pytest.mark.parametrize(
    "command",
    [
        ("list", "--json"), ("list", "--text"), ("show", "1", "--text"), ("show", "--json", "--headers"),
        ("export",), ("wait", "--since", "3600", "--json"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_of_roots_parses_mail_without_root(
    folder: Path, mail: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    found, out, _ = spy_on(folder, name, "--mail", str(mail), *options)
    assert_without_root(found)
    assert "hello" in out


def test_html_in_an_odd_charset_is_shown_without_root_too(folder: Path, mail: Path) -> None:
    _, out, _ = spy_on(folder, "show", "--mail", str(mail), "--json")
    shown = json.loads(out)
    assert shown["text"].split() == ["One", "&", "two", "three"]
    assert shown["notes"] == []


def test_follow_parses_without_root(folder: Path, mail: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SPY, str(folder / "secret"), "follow", "--mail", str(mail), "--json"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    (folder / "secret").write_text("root's alone")
    (folder / "secret").chmod(0o600)
    time.sleep(1)
    path = mail / f"example.test/alice/new/{int(time.time())}.M2P1Q1Rdeadbeef.mx"
    path.write_bytes(MESSAGE)
    os.chown(path, NOBODY, NOBODY)
    assert process.stdout and process.stderr
    assert json.loads(process.stdout.readline())["subject"] == "hello"
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert_without_root([json.loads(line[4:]) for line in errors.splitlines() if line.startswith("SPY ")])


def test_root_writes_the_files_of_an_export_and_reads_no_mail(folder: Path, mail: Path) -> None:
    (folder / "out").mkdir(mode=0o700)
    found, _, errors = spy_on(folder, "export", "--mail", str(mail), "--folder", str(folder / "out"))
    assert not found
    (path,) = (folder / "out").iterdir()
    assert path.read_bytes() == MESSAGE
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (0, 0o600)
    assert errors == f"letterbox: 1 message(s) written to {folder / 'out'}".removeprefix("letterbox: ")


def test_root_follows_no_link_out_of_the_mail(folder: Path, mail: Path) -> None:
    """The mail's own user could lead root to a file of root's, by a folder that is a link."""
    (folder / "roots").mkdir(mode=0o700)
    (folder / "roots/1700000002.M3P1Q1Rdeadbeef.mx").write_text("Subject: root's alone\n\n")
    (mail / "example.test/alice/cur").rmdir()
    (mail / "example.test/alice/cur").symlink_to(folder / "roots")
    for command in (("list", "--json"), ("export",), ("export", "--folder", str(folder / "out"))):
        done = subprocess.run(
            [sys.executable, "-m", "receiver", command[0], "--mail", str(mail), *command[1:]],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert "root's alone" not in done.stdout
    assert not any(b"root's alone" in path.read_bytes() for path in (folder / "out").glob("*"))
