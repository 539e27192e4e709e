"""Reading from a host what senders report of TLS: the program of the host, and any other answer."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dns.inventory.host_reports import HostReports, Reason, Reported, command, parse_reports
from dns.inventory.host_shell import MARK
from dns.inventory.mail_host import MailHost
from dns.inventory.over_ssh import read_all_reports
from tests.receiver.processes import ROOT
from tests.receiver.stored_mail import Mail
from tests.receiver.tls_reports.making import failure, report, store

HOST = MailHost("mx1", "mx1.example.test", None, None)
COUNTS = ("not_read", "not_read_unproven", "unreadable", "unreadable_unproven", "more", "more_unproven")
EMPTY: dict[str, Any] = {"senders": [], "unproven_senders": [], **dict.fromkeys(COUNTS, 0)}


def read(ssh_runs: Callable[[str], None], mails: Mail) -> HostReports:
    """What is read over an ssh that runs the program of the host on this mail folder."""
    line = shlex.join(
        [sys.executable, "-m", "receiver", "tls-reports", "--mail", str(mails.folder), "--json"]
    )
    ssh_runs(f"echo Welcome; echo '{MARK}'; cd {ROOT} && exec {line} example.test")
    (found,) = read_all_reports([HOST], "example.test").values()
    return found


def test_what_the_program_of_the_host_prints_is_read_whole(
    tmp_path: Path, ssh_runs: Callable[[str], None]
) -> None:
    mails = Mail(tmp_path / "mail")
    details = [failure(count=3, receiving_mx_hostname="mx1.example.test")]
    store(mails, report("1", days_ago=2, succeeded=7, failed=3, failures=details))
    store(mails, report("2"), domain=None)
    store(mails, b"{")
    day = (datetime.now(UTC) - timedelta(days=2)).date()
    reason = Reason("certificate-expired", "the certificate had expired", 3, day, day, "mx1.example.test")
    assert read(ssh_runs, mails) == HostReports(
        reported=(
            Reported("google.com", "sts", "example.test", "testing", 7, 3, day, day, (reason,)),
        ),
        unproven=1,
        incomplete="1 reports could not be read",
    )  # fmt: skip


def test_a_host_without_the_mailbox_is_one_whose_reports_are_not_known(
    tmp_path: Path, ssh_runs: Callable[[str], None]
) -> None:
    (tmp_path / "mail").mkdir()
    found = read(ssh_runs, Mail(tmp_path / "mail"))
    assert found.unread.startswith("they could not be read over ssh (letterbox: example.test has no mailbox")


@pytest.mark.parametrize(
    "printed",
    [
        "", "hello", "[]", "7", "{}", json.dumps({**EMPTY, "senders": 7}), json.dumps({**EMPTY, "more": "x"}),
        json.dumps({**EMPTY, "senders": [{}]}), json.dumps({**EMPTY, "unproven_senders": [7]}), "[" * 10**5,
        "usage: letterbox [-h] COMMAND ...\nletterbox: error: invalid choice: 'tls-reports'",
    ],
    ids=str,
)  # fmt: skip
def test_any_other_answer_is_not_known_and_never_no_failure(printed: str) -> None:
    assert parse_reports(printed).unread.startswith("it printed something else than its reports")


def test_a_text_of_a_host_is_safe_for_a_terminal() -> None:
    line = {
        "sender": "\x1b[2Jevil", "policy": None, "policy_domain": None, "mode": None, "succeeded": 1,
        "failed": 0, "first_day": "2026-11-25", "last_day": "2026-11-25", "failures": [],
    }  # fmt: skip
    (found,) = parse_reports(json.dumps({**EMPTY, "senders": [line]})).reported
    assert (found.sender, found.policy) == ("?[2Jevil", "")


def test_what_strangers_sent_and_cannot_be_read_leaves_the_rest_complete(
    tmp_path: Path, ssh_runs: Callable[[str], None]
) -> None:
    mails = Mail(tmp_path / "mail")
    store(mails, report("1"))
    store(mails, b"{", domain=None)
    for number in range(60):
        store(mails, report(f"{number}", organization=f"sender {number}"), domain=None)
    found = read(ssh_runs, mails)
    assert (len(found.reported), found.unproven, found.incomplete) == (1, 50, "")


def test_the_command_becomes_root_and_names_the_domain() -> None:
    assert "sudo -n /usr/local/bin/letterbox tls-reports --json --days 30 example.test" in command(
        "example.test"
    )
