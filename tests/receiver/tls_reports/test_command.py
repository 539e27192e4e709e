"""What `letterbox tls-reports` prints, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from receiver.cli import terminal
from tests.receiver.reading.test_without_root import NOBODY, assert_without_root, spy_on
from tests.receiver.stored_mail import Mail
from tests.receiver.tls_reports.making import failure, report, store

CONFIGURATION = """
mail = "{mail}"
[domains."example.test"]
mailboxes = ["alice", "tls-reports"]
[domains."other.test"]
mailboxes = ["alice"]
"""


@pytest.fixture
def mails(folder: Path) -> Mail:
    found = Mail(folder / "mail")
    found.folder.mkdir()
    return found


@pytest.fixture
def configuration(mails: Mail, folder: Path) -> Path:
    path = folder / "letterbox.toml"
    path.write_text(CONFIGURATION.format(mail=mails.folder))
    return path


def fill(mails: Mail) -> None:
    more = {"receiving_mx_hostname": "mx1.example.test", "receiving_ip": "203.0.113.5"}
    store(mails, report(
        "1", succeeded=120, failed=3, failures=[failure(count=3, sending_mta_ip="192.0.2.1", **more)]
    ))  # fmt: skip
    store(mails, report("2", kind="tlsa", domain="mx1.example.test", succeeded=8), domain="microsoft.com")
    store(mails, report("3", organization="Evil Inc.", succeeded=7), domain=None)
    store(mails, b"{", domain=None)
    mails.store("Subject: hello\n\nhello\n", "tls-reports")


def run(mails: Mail, *arguments: str, code: int = 0) -> str:
    """What the command prints on the stream that fits the exit code."""
    done = mails.letterbox("tls-reports", *arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    return (done.stderr if code else done.stdout).decode()


def with_configuration(mails: Mail, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = mails.line("tls-reports", "--config", str(path), *arguments)
    at = line.index("--mail")
    return subprocess.run([*line[:at], *line[at + 2 :]], capture_output=True, text=True, timeout=60)


def test_a_table_shows_senders_policies_and_reasons(mails: Mail) -> None:
    fill(mails)
    lines = run(mails, "--text").splitlines()
    text = "\n".join(lines)
    assert re.search(r"^google\.com +MTA-STS, testing +123 +3 +\d+ \w+$", text, re.MULTILINE), text
    assert re.search(r"^microsoft\.com +DANE of mx1\.example\.test +8 +0 +\d+ \w+$", text, re.MULTILINE), text
    assert "      3  the certificate had expired; at mx1.example.test (203.0.113.5); from" in text
    assert text.index("Not proven") > text.index("microsoft.com")
    assert text.index("Evil Inc.?") > text.index("Not proven")
    assert "Mails that are no reports: 1." in text
    assert text.splitlines()[-1].endswith(": it is not JSON")


def test_the_table_fits_eighty_columns_whatever_senders_write(mails: Mail) -> None:
    wide = "漢" * 300
    host = {
        "receiving_mx_hostname": f"{'x' * 200}.test",
        "sending_mta_ip": "y" * 60,
        "failure_reason_code": wide,
    }
    for number in range(3):
        store(mails, report(
            f"{number}", organization=wide, kind=wide, domain=f"{'d' * 240}.test", succeeded=10**12,
            failed=10**12, failures=[failure(wide, 10**12, **host), failure(count=4)],
        ), domain=None if number else "a" * 60 + ".test")  # fmt: skip
    lines = run(mails, "--text").splitlines()
    assert lines
    assert [line for line in lines if terminal.width(line) > 80] == []


def test_json_is_one_object_a_domain(mails: Mail) -> None:
    fill(mails)
    (line,) = run(mails).splitlines()
    found: dict[str, Any] = json.loads(line)
    assert (found["domain"], found["mailbox"]) == ("example.test", "tls-reports@example.test")
    assert (found["reports"], found["unreadable"], found["other_mails"], found["not_read"]) == (3, 1, 1, 0)
    google, microsoft = found["senders"]
    assert (google["sender"], google["authentic"], google["mode"]) == ("google.com", True, "testing")
    assert (google["succeeded"], google["failed"]) == (120, 3)
    (reason,) = google["failures"]
    assert (reason["type"], reason["count"], reason["receiving_host"]) == (
        "certificate-expired", 3, "mx1.example.test",
    )  # fmt: skip
    assert (microsoft["sender"], microsoft["policy_domain"]) == ("microsoft.com", "mx1.example.test")
    (unproven,) = found["unproven_senders"]
    assert (unproven["sender"], unproven["organization"], unproven["authentic"]) == (None, "Evil Inc.", None)


def test_colour_and_escape_sequences_are_only_for_a_terminal(mails: Mail) -> None:
    store(mails, report(organization="\x1b[31mred", failed=1), domain=None)
    assert "\x1b" not in run(mails, "--text")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(mails.line("tls-reports"), stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65_536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(60) == 0
    assert b"\x1b[1mSender" in shown
    assert b"\x1b[31m     1\x1b[0m" in shown
    assert b"\x1b[31mred" not in shown
    assert "\u241b[31mred".encode() in shown


def test_a_mailbox_without_a_mail_yet_is_no_failure(mails: Mail, configuration: Path) -> None:
    for arguments in ((), ("example.test",), ("EXAMPLE.test.",)):
        done = with_configuration(mails, configuration, "--text", *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(
            "No TLS report has come to tls-reports@example.test in the last 30 days"
        )
        found = json.loads(with_configuration(mails, configuration, *arguments).stdout)
        assert (found["domain"], found["reports"], found["senders"]) == ("example.test", 0, [])


def test_a_mailbox_without_a_mail_yet_is_no_failure_also_without_a_mail_folder(
    mails: Mail, configuration: Path
) -> None:
    mails.folder.rmdir()
    assert with_configuration(mails, configuration, "example.test").returncode == 0


def test_a_domain_without_the_mailbox_is_a_failure_with_its_fix(mails: Mail, configuration: Path) -> None:
    done = with_configuration(mails, configuration, "other.test")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert 'other.test has no mailbox tls-reports: set "tls_reports": True' in done.stderr
    assert "no domain of this host has a mailbox tls-reports" in run(mails, code=1)


def test_a_mail_folder_that_is_not_there_is_named(mails: Mail) -> None:
    mails.folder.rmdir()
    assert f"{mails.folder}: no such folder: name the mail folder with --mail" in run(mails, code=1)


def test_a_mailbox_with_nothing_that_can_be_read_does_not_say_that_no_report_came(mails: Mail) -> None:
    store(mails, b"{")
    text = " ".join(run(mails, "--text").split())
    assert text.startswith(
        "No TLS report that can be read has come to tls-reports@example.test in the last 30"
    )
    assert text.endswith("(from google.com): it is not JSON")


def test_a_mailbox_of_another_name_can_be_read(mails: Mail) -> None:
    store(mails, report(succeeded=5), mailbox="alice")
    for arguments in (
        ("--mailbox", "alice"),
        ("--mailbox", "Alice@Example.test"),
        ("--mailbox=alice", "example.test"),
    ):
        found = json.loads(run(mails, *arguments))
        assert found["senders"][0]["succeeded"] == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", "0"), "is not a number of days from 1 to 3650"),
        (("--days", "٣"), "is not a number of days"),
        (("--days", "9" * 5000), "is not a number of days"),
        (("a b",), "a b is not a domain: write it as example.com"),
        (("example.test", "--mailbox", "alice@other.test"), "name one of them"),
        (("--mailbox", "@example.test"), "--mailbox names no mailbox"),
    ],
)
def test_wrong_usage_is_said_in_a_line(mails: Mail, arguments: tuple[str, ...], said: str) -> None:
    assert said in run(mails, *arguments, code=2).splitlines()[-1]


def test_a_mailbox_that_may_not_be_read_ends_with_77(mails: Mail) -> None:
    """Root becomes the owner of the mail first, who may not read this folder."""
    fill(mails)
    os.chown(mails.folder, NOBODY, NOBODY)
    (mails.folder / "example.test/tls-reports/new").chmod(0o700)
    done = mails.letterbox("tls-reports")
    assert done.returncode == 77, done.stderr
    assert b"permission denied: run it as root" in done.stderr


def test_the_days_are_chosen_by_days(mails: Mail) -> None:
    path = store(mails, report())
    path.rename(path.with_name(f"{int(path.name[:10]) - 20 * 86_400}{path.name[10:]}"))
    assert json.loads(run(mails, "--days", "7"))["reports"] == 0
    assert json.loads(run(mails, "--days", "25"))["reports"] == 1


def test_root_gives_root_up_before_a_report_is_parsed(mails: Mail, folder: Path) -> None:
    fill(mails)
    for path in (mails.folder, *mails.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    found, out, _ = spy_on(folder, "tls-reports", "--mail", str(mails.folder), "--json")
    assert_without_root(found)
    assert {"parse_fields", "parse"} <= {each["parser"] for each in found}
    assert json.loads(out)["reports"] == 3
