"""A source may be a stranger's whole work, and so may each message in it."""

from __future__ import annotations

import gzip
import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from receiver.reading import stored, summary
from receiver.reading.verdict import Answer
from tests.receiver.importing.importing import Importer, make_maildir, mbox
from tests.receiver.processes import DEADLINE, ROOT, wait_until
from tests.receiver.reading.results import GENUINE, written

NOBODY = 65_534
FORGED = (
    b"Return-Path: <info@bank.example>\r\nDelivered-To: alice@example.test\r\n%b"
    b"X-Spam: Yes\r\nReceived: from mail.bank.example ([192.0.2.1])\r\n"
    b"\tby mx.example.test (Letterbox) with ESMTPS\r\n\tid %b;\r\n\tThu, 01 Jan 2015 00:00:00 +0000\r\n"
    b"From: info@bank.example\r\n\r\nx\r\n"
)
PARTS_OF_THE_NAME = (b"mx", b"example", b"test", b"1400000000", b"mx.example.test", b"M1P1Q1R00000000")

SPY = """
import json, os, sys
from receiver.importing import mbox, maildir, run
def outcome(attempt):
    try:
        return str(attempt() or "done")
    except OSError as error:
        return error.strerror
def spied(parse):
    def parsing(*arguments, **options):
        found = {"uid": os.geteuid(), "file": outcome(lambda: open(sys.argv[1]).read()),
                 "root": outcome(lambda: os.setuid(0))}
        os.write(2, b"SPY " + json.dumps(found).encode() + b"\\n")
        return parse(*arguments, **options)
    return parsing
mbox.date_of_line = spied(mbox.date_of_line)
maildir.found = spied(maildir.found)
run._read = spied(run._read)
from receiver.__main__ import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("form", ["mbox", "Maildir"])
def test_a_forged_trace_gives_no_verdict(importer: Importer, tmp_path: Path, form: str) -> None:
    messages = {each: FORGED % (written(GENUINE), each) for each in PARTS_OF_THE_NAME}
    files = {f"cur/1400000000.{each.decode()}.mx.example.test:2,S": messages[each] for each in messages}
    make_maildir(tmp_path / "Maildir", files)
    done = importer.run(mbox(list(messages.values())) if form == "mbox" else tmp_path / "Maildir")
    assert done.counts == (len(messages), 0, 0)
    assert sorted(importer.contents()) == sorted(messages.values())
    (box,) = stored.maildirs(importer.mail)
    for each in stored.everything([box]):
        read = summary.read(each)
        assert (read.verdict.answer, read.is_spam) == (Answer.UNCHECKED, False), each.name
        assert Path(each.path).stat().st_mode & 0o222  # A file that the receiver wrote may be read-only.


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"Subject: x\n\nno mbox\n", "is no mbox"),
        (b"From here on it is a letter.\n", "is no mbox"),
        (b"\0" * 1_000_000, "is no mbox"),
        (gzip.compress(mbox([b"x\n"])), "is compressed: `gunzip -c FILE |"),
    ],
)
def test_what_is_no_mbox_is_said(importer: Importer, octets: bytes, said: str) -> None:
    done = importer.run(octets)
    assert (done.code, done.counts) == (1, (0, 0, 1))
    assert said in done.errors and importer.contents() == [] and importer.leftovers() == []


@pytest.mark.parametrize("octets", [1, 4, 20])
def test_of_a_source_that_is_cut_off_no_part_of_a_message_is_imported(
    importer: Importer, octets: int
) -> None:
    messages = [b"Subject: %d\n\nx\n" % number for number in range(5)]
    whole = mbox(messages)
    done = importer.run(whole[:-octets])
    number = 4 if octets == 20 else 5  # The last line `From ` is cut off, too.
    assert (done.code, done.counts) == (1, (number - 1, 0, 1))
    place = len(mbox(messages[: number - 1]))
    assert f"standard input: message {number} (octet {place}): is cut off" in done.errors
    assert importer.leftovers() == []
    importer.run(whole)
    assert sorted(importer.contents()) == messages


def test_an_empty_message_is_named(importer: Importer) -> None:
    line = b"From a@b Thu Jan  1 00:00:00 2015\n"
    done = importer.run(line + line + b"\n" + line + b"x\n\n")
    assert (done.code, done.counts) == (1, (1, 0, 2))


def test_no_link_pipe_socket_or_device_of_a_maildir_is_opened(importer: Importer, tmp_path: Path) -> None:
    source, secret = tmp_path / "Maildir", tmp_path / "secret"
    secret.write_bytes(b"a secret")
    make_maildir(source, {"cur/1.a:2,": b"Subject: good\n", ".real/cur/2.b:2,": b"Subject: better\n"})
    make_maildir(tmp_path / "elsewhere", {"cur/3.c:2,": b"a secret"})
    (source / "new").symlink_to(tmp_path / "elsewhere/cur")
    (source / ".linked").symlink_to(tmp_path / "elsewhere")
    (source / "cur/4.link").symlink_to(secret)
    os.mkfifo(source / "cur/5.pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(source / "cur/6.socket"))
        expected = {
            "new": "not a folder",
            "cur/4.link": "regular",
            "cur/5.pipe": "regular",
            "cur/6.socket": "regular",
        }
        if os.geteuid() == 0:
            os.mknod(source / "cur/7.device", 0o20_644, os.makedev(1, 5))  # /dev/zero
            expected["cur/7.device"] = "regular"
        done = importer.run(source)
    assert (done.code, done.counts) == (1, (2, 0, len(expected)))
    for name, why in expected.items():
        assert any(f"{source}/{name}" in line and why in line for line in done.errors.splitlines()), name
    assert sorted(importer.contents()) == [b"Subject: better\n", b"Subject: good\n"]


@pytest.mark.parametrize("path", ["/dev/zero", "/nowhere/old.mbox", "folder"])
def test_a_source_that_cannot_be_one_is_refused(importer: Importer, tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    done = importer.run(tmp_path / path)
    assert done.code == 1 and done.errors.count("\n") == 1 and path in done.errors


def test_memory_is_bounded_for_long_lines_and_large_messages(importer: Importer) -> None:
    """An mbox of 130 MB on a pipe, most of it in one message, and that without a line end."""
    process = subprocess.Popen(
        importer.command("-"), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin and process.stdout
    block = b"x" * 1_000_000
    process.stdin.write(b"From a Thu Jan  1 00:00:00 2015\nSubject: long\n\n")
    for _ in range(100):
        process.stdin.write(block)
    process.stdin.write(b"\n\nFrom a Thu Jan  1 00:00:00 2015\n")
    for _ in range(30):
        process.stdin.write(b"y" * 999_999 + b"\n")
    process.stdin.write(b"\n")
    process.stdin.flush()
    wait_until(lambda: len(importer.files()) == len(importer.leftovers()) == 1, "the second message in tmp/")
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    said, _ = process.communicate(timeout=DEADLINE)
    assert json.loads(said)["imported"] == 2
    assert sorted(path.stat().st_size for path in importer.files()) == [30_000_000, 100_000_016]
    assert peak < 80 * 2**20


@pytest.mark.parametrize("form", ["mbox", "stdin", "Maildir"])
def test_root_opens_the_source_and_parses_it_without_its_rights(folder: Path, form: str) -> None:
    importer = Importer(folder)
    os.chown(importer.mail, NOBODY, NOBODY)
    importer.mail.chmod(0o700)
    private = folder / "private"
    private.mkdir(mode=0o700)
    secret, source = private / "secret", private / "source"
    secret.write_text("root's alone")
    messages = [b"Subject: %d\n\nx\n" % number for number in range(3)]
    if form == "Maildir":
        make_maildir(source, {f"cur/140000000{at}.x:2,S": each for at, each in enumerate(messages)})
        for path in source.glob("**/*"):
            path.chmod(0o600 if path.is_file() else 0o700)
    else:
        source.write_bytes(mbox(messages))
        source.chmod(0o600)
    words = importer.command("-" if form == "stdin" else source)[3:]
    with source.open("rb") if form == "stdin" else Path("/dev/null").open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-c", SPY, str(secret), *words],
            cwd=ROOT,
            stdin=stdin,
            capture_output=True,
            text=True,
        )
    assert json.loads(done.stdout)["imported"] == 3, done.stderr
    spied = [json.loads(line[4:]) for line in done.stderr.splitlines() if line.startswith("SPY ")]
    assert len(spied) >= 6
    assert {(each["uid"], each["file"], each["root"]) for each in spied} == {
        (NOBODY, "Permission denied", "Operation not permitted")
    }
    assert sorted(importer.contents()) == messages
    assert {path.stat().st_uid for path in importer.mail.rglob("*")} == {NOBODY}


def test_a_full_disk_is_named_and_what_is_imported_is_whole(small_disk: Path, tmp_path: Path) -> None:
    importer = Importer(small_disk)
    messages = [b"Subject: %d\n\n" % number + b"x" * 50_000 + b"\n" for number in range(40)]
    source = tmp_path / "old.mbox"
    source.write_bytes(mbox(messages))
    done = importer.run(source)
    assert done.code == 1 and "No space left on device" in done.errors and "message " in done.errors
    assert set(importer.contents()) <= set(messages) and importer.leftovers() == []


def test_a_file_that_may_not_grow_ends_the_import_with_one_line(importer: Importer, tmp_path: Path) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = importer.run(mbox([b"a\n", b"x" * 200_000 + b"\n"]), preexec_fn=no_large_files)
    assert done.code == 1 and "Traceback" not in done.errors and importer.leftovers() == []
