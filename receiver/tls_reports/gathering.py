"""The reports in a mailbox: the mails that hold them, who vouches for each, and what could not be read.

Nothing is written, moved or marked. The work has a limit, so that a mailbox full of hostile mail costs half
a minute at most. Mail that its sender's domain signed has a limit of its own: other mail cannot crowd it out.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from receiver import headers
from receiver.cli import terminal
from receiver.reading import selection, stored, summary
from receiver.reading.sender.verdict import Answer, Verdict
from receiver.reading.stored import Maildir, Stored
from receiver.tls_reports import attachment, report
from receiver.tls_reports.report import Report
from receiver.tls_reports.values import NotReadable

DAY = 86_400  # seconds
_MOST_MAILS = 100_000  # the newest of them
# Mails that are read whole, and octets of their files; as many octets again of what is unpacked.
_PROVEN, _UNPROVEN = (20_000, 192 << 20), (5_000, 64 << 20)
_LARGEST_MAIL = 10 << 20  # octets
_OLDEST = timedelta(days=31)  # that a report may be about, before its arrival


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a report: the domain in the From field, and whether its DKIM signature vouches for the mail.

    RFC 8460 section 3 asks for that signature. `is_proven` is None if nobody checked the mail.
    """

    domain: str
    is_proven: bool | None


@dataclass(frozen=True, slots=True)
class Received:
    """A report, with its sender and the days that it is about, in UTC."""

    sender: Sender
    report: Report
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mail that says it is a report, and cannot be read."""

    identity: str  # as `letterbox show` takes it
    path: str
    sender: Sender
    reason: str


@dataclass(slots=True)
class Gathered:
    """What the mailbox holds. All texts are safe for a terminal."""

    reports: list[Received] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    duplicates: int = 0
    others: int = 0  # mails that are no reports
    # Mails that were not read, because there are too many. They are older than the others of their kind.
    left_out: int = 0
    left_out_unproven: int = 0  # of those, mails that could not be proven
    _keys: set[tuple[str, bool | None, str]] = field(default_factory=set)

    def add(self, one: Received) -> None:
        """Add a report, unless the same sender has sent it before. A stranger cannot take its place."""
        key = (one.sender.domain, one.sender.is_proven, one.report.key)
        if key in self._keys:
            self.duplicates += 1
        else:
            self._keys.add(key)
            self.reports.append(one)


class _Room:
    """How much may still be read."""

    def __init__(self, mails: int, octets: int) -> None:
        self._mails = mails
        self._file = self._unpacked = octets

    @property
    def is_spent(self) -> bool:
        return min(self._mails, self._file, self._unpacked) <= 0

    def take(self, file: int, unpacked: int) -> None:
        self._mails -= 1
        self._file -= file
        self._unpacked -= unpacked


def gather(boxes: Iterable[Maildir], days: int) -> Gathered:
    """Read the reports that arrived in the last `days` days, the newest first. Raises OSError.

    The time of arrival is ours, while a sender can write any date into a report.
    """
    found = Gathered()
    rooms = {True: _Room(*_PROVEN), False: _Room(*_UNPROVEN)}
    oldest = int(time.time()) - days * DAY
    mails = [mail for mail in stored.entries(boxes) if mail.arrived >= oldest]
    found.left_out = max(0, len(mails) - _MOST_MAILS)
    for mail in heapq.nlargest(_MOST_MAILS, mails, key=lambda each: each.name):
        if selection.is_message(mail):
            _add_mail(found, mail, rooms)
    found.unreadable.sort(key=lambda each: each.sender.is_proven is not True)
    return found


def _add_mail(found: Gathered, mail: Stored, rooms: dict[bool, _Room]) -> None:
    try:
        head, size = stored.head(mail)
        if rooms[False].is_spent and b"dkim=pass" not in head:
            found.left_out += 1
            found.left_out_unproven += 1  # No field needs to be parsed to see that.
            return
        sender = _sender(summary.summary(mail, headers.parse_fields(head), size).verdict)
        room = rooms[sender.is_proven is True]
        if room.is_spent:
            found.left_out += 1
            found.left_out_unproven += sender.is_proven is not True
            return
        if size > _LARGEST_MAIL:
            found.unreadable.append(_unreadable(mail, sender, f"it has more than {_LARGEST_MAIL >> 20} MiB"))
            return
        message = stored.content(mail)
    except FileNotFoundError:
        return  # A mail client has moved or removed it meanwhile.
    except OSError as error:
        found.unreadable.append(_unreadable(mail, Sender("", None), error.strerror or "it cannot be opened"))
        return
    unpacked, is_report = 0, False
    for octets in attachment.reports(message):
        is_report = True
        try:
            if isinstance(octets, NotReadable):
                raise octets
            unpacked += len(octets)
            found.add(_received(sender, report.parse(octets), mail.arrived))
        except NotReadable as error:
            found.unreadable.append(_unreadable(mail, sender, str(error)))
    room.take(size, unpacked)
    found.others += not is_report


def _unreadable(mail: Stored, sender: Sender, reason: str) -> Unreadable:
    return Unreadable(terminal.plain(mail.identity), terminal.plain(mail.path), sender, reason)


def _sender(verdict: Verdict) -> Sender:
    domain = terminal.plain(verdict.domain)[:253]
    if verdict.answer is Answer.UNCHECKED or verdict.results is None:
        return Sender(domain, None)
    # If both SPF and DKIM vouch for a domain, the verdict may name SPF. The key of a domain below the
    # author's is its owner's, too.
    signed = any(
        each.result == "pass" and f".{each.domain}".endswith(f".{verdict.domain}")
        for each in verdict.results.dkim
    )
    is_authentic = verdict.answer is Answer.YES and bool(verdict.domain)
    if verdict.answer is Answer.FAILED:
        return Sender(domain, None)
    return Sender(domain, is_authentic and (verdict.method == "dkim" or signed))


def _received(sender: Sender, found: Report, arrived: int) -> Received:
    """The report with days that can be right. A report is about days shortly before it arrives."""
    latest = datetime.fromtimestamp(arrived, UTC).date() + timedelta(days=1)
    first, last = found.first or found.last, found.last or found.first
    if first is None or last is None or not latest - _OLDEST <= first <= last <= latest:
        first = last = latest - timedelta(days=1)
    return Received(sender, found, first, last)
