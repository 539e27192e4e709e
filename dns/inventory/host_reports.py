"""The TLS reports in the mailbox of a domain on a mail host, as `letterbox tls-reports` sums them up. Pure.

A report is a stranger's word (RFC 8460). It makes a line for a person, and nothing else.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dns.inventory.host_shell import as_root

DAYS = 30
"""How far back the reports go that are read."""


def command(domain: str) -> str:
    """The script of sh(1) that prints the reports to the domain as JSON."""
    return as_root(f"/usr/local/bin/letterbox tls-reports --json --days {DAYS} {shlex.quote(domain)}")


@dataclass(frozen=True, slots=True)
class Reason:
    """Sessions that failed for one reason, at one of our hosts."""

    type: str
    """The result type (RFC 8460, section 4.3), such as `certificate-expired`. It may be empty."""
    text: str
    count: int
    first: date
    last: date
    host: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """What one sender says of one policy. The mail of the reports was signed by the sender's domain."""

    sender: str
    policy: str
    """`sts`, `tlsa`, `no-policy-found`, or what else the sender wrote."""
    domain: str
    """The domain of the policy. For `tlsa` it is a mail host. It may be empty."""
    mode: str
    """The mode of an MTA-STS policy, if the sender says it."""
    succeeded: int
    failed: int
    first: date
    last: date
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class HostReports:
    """The reports of one host. `unproven` are those that nobody vouches for: they are not in `reported`."""

    reported: tuple[Reported, ...] = ()
    unproven: int = 0
    incomplete: str = ""
    """Why these are perhaps not all reports. Empty if they are."""
    unread: str = ""
    """Why the host could not be asked, or what it answered that cannot be. Then nothing else is known."""


def parse_reports(printed: str) -> HostReports:
    """Read what `command` printed on the host."""
    try:
        found = json.loads(printed)
        reported = tuple(_reported(each) for each in found["senders"])
        unproven = sum(_count(each["reports"]) for each in found["unproven_senders"])
        # What a stranger sent, and cannot be read, does not make the rest incomplete.
        lost = (
            _count(found["not_read"]) - _count(found["not_read_unproven"]),
            _count(found["unreadable"]) - _count(found["unreadable_unproven"]),
            _count(found["more"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return HostReports(unread="it printed something else than its reports: deploy this version to it")
    names = ("mails were not read", "reports could not be read", "lines were left out")
    said = [f"{count} {name}" for count, name in zip(lost, names, strict=True) if count]
    return HostReports(reported, unproven, ", ".join(said))


def _reported(line: Mapping[str, object]) -> Reported:
    """Raises ValueError, KeyError, TypeError."""
    failures = line["failures"]
    if not isinstance(failures, list):
        raise TypeError
    return Reported(
        _text(line["sender"]),
        _text(line["policy"]),
        _text(line["policy_domain"]),
        _text(line["mode"]),
        _count(line["succeeded"]),
        _count(line["failed"]),
        _day(line["first_day"]),
        _day(line["last_day"]),
        tuple(
            Reason(
                _text(each["type"]),
                _text(each["text"]),
                _count(each["count"]),
                _day(each["first_day"]),
                _day(each["last_day"]),
                _text(each["receiving_host"]),
            )
            for each in failures
        ),
    )


def _text(value: object) -> str:
    """A text of the host that is safe for a terminal. Null is empty."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:300]) if value is not None else ""


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def _day(value: object) -> date:
    return date.fromisoformat(str(value))
