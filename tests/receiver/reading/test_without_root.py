"""A command that root runs gives root up before it parses what strangers wrote."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.receiver.processes import DEADLINE, ROOT

NOBODY = 65_534


SPY = """
import json, os, sys
from receiver import headers
from receiver.content import content
from receiver.tls_reports import report

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

PARSERS = (headers, "parse_fields"), (headers, "first_text"), (content, "read"), (report, "parse")
for module, name in PARSERS:
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
    """A mail folder with one message. Its owner is not root."""
    for part in ("new", "cur", "tmp"):
        (folder / "mail/example.test/alice" / part).mkdir(parents=True)
    (folder / f"mail/example.test/alice/new/{int(time.time())}.M1P1Q1Rdeadbeef.mx").write_bytes(MESSAGE)
    for path in (folder / "mail", *(folder / "mail").rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder / "mail"


def spy_on(folder: Path, *command: str, **options: object) -> tuple[list[dict[str, object]], str, str]:
    """Run a command as root. Returns what code in its parsers could do, its output and its errors."""
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
def test_a_command_run_by_root_parses_mail_without_root(
    folder: Path, mail: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    found, out, _ = spy_on(folder, name, "--mail", str(mail), *options)
    assert_without_root(found)
    assert "hello" in out


def test_html_in_a_rare_charset_is_shown_without_root(folder: Path, mail: Path) -> None:
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
    assert process.stdout and process.stderr
    until = time.monotonic() + DEADLINE
    for number in itertools.count(2):  # It may not be looking yet when the first one comes.
        path = mail / f"example.test/alice/new/{int(time.time())}.M{number}P1Q1Rdeadbeef.mx"
        written = path.parents[1] / "tmp" / path.name
        written.write_bytes(MESSAGE)
        os.chown(written, NOBODY, NOBODY)
        written.rename(path)
        if select.select([process.stdout], [], [], 0.5)[0]:
            break
        assert time.monotonic() < until, "no line came"
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
    """The user that owns the mail could replace a folder by a link to a folder of root."""
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
