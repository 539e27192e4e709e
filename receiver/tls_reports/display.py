"""What `letterbox tls-reports` prints for people: within 80 columns, or what the terminal has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import date

from receiver.cli import terminal
from receiver.cli.terminal import BOLD, RED, YELLOW, Screen
from receiver.tls_reports.gathering import Gathered
from receiver.tls_reports.totals import Reason, Total, Totals
from receiver.tls_reports.words import in_words, policy_in_words

_COLUMNS = 80  # where the output is no terminal
_HEADS = ("Sender", "Policy", "Sessions", "Failed", "Days")
_MOST_UNREADABLE = 10


def print_reports(screen: Screen, domain: str, mailbox: str, days: int, found: Gathered, of: Totals) -> None:
    """Print the reports of one mailbox, and what of it could not be read. All texts are plain."""
    write = _Writer(screen)
    if not found.reports:
        which = " that can be read" if found.unreadable else ""
        write.text(
            f"No TLS report{which} has come to {mailbox} in the last {days} days. Senders that send them do "
            "so once a day, if they had mail for the domain."
        )
    else:
        senders = len({one.sender.domain for one in found.reports if one.sender.is_proven})
        write.text(
            f"TLS reports in {mailbox} of the last {days} days: {len(found.reports)}. "
            f"Senders that are proven: {senders}."
        )
    if of.proven:
        write.table(domain, of.proven)
    if of.unproven:
        screen.line()
        write.text(
            "Not proven: no signature (DKIM) shows that these are from the domain that they name. Anybody "
            "can have written them.",
            YELLOW,
        )
        write.table(domain, of.unproven)
    for remark in _remarks(found, of):
        write.text(remark)
    if found.unreadable:
        write.text(
            f"Could not be read (`letterbox show ID` shows the mail): {len(found.unreadable)}.", YELLOW
        )
        for each in found.unreadable[:_MOST_UNREADABLE]:
            by = f" (from {each.sender.domain})" if each.sender.domain else ""
            write.text(f"{each.identity}{by}: {each.reason}", indent=2)
        if more := len(found.unreadable) - _MOST_UNREADABLE:
            write.text(f"and {more} more", indent=2) if more > 0 else None


def _remarks(found: Gathered, of: Totals) -> Iterable[str]:
    if left_out := of.left_out + of.left_out_unproven:
        yield f"There are {left_out} more lines of senders and policies."
    if incomplete := sum(not one.report.is_complete for one in found.reports):
        yield f"Incomplete reports, of which the rest counts: {incomplete}."
    if found.duplicates:
        yield f"Reports that came again, and count once: {found.duplicates}."
    if found.others:
        yield f"Mails that are no reports: {found.others}."
    if found.left_out:
        yield (
            f"Not read, because there is too much: {found.left_out} older mails. `--days` with fewer days "
            "reads the newest."
        )


class _Writer:
    """Writes lines that are no wider than the screen."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._columns = screen.columns if screen.is_terminal else _COLUMNS

    def text(self, text: str, *codes: str, indent: int = 0, first: str = "") -> None:
        """Write a text, broken between words. `first` stands in the indent of its first line."""
        lines = textwrap.wrap(text, self._columns - indent, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            shown = terminal.fit(line, self._columns - indent).rstrip()
            before = f"{first:>{indent}}" if number == 0 else " " * indent
            self._screen.line(before + self._screen.styled(shown, *codes))

    def table(self, domain: str, lines: Sequence[Total]) -> None:
        rows = [_row(domain, line) for line in lines]
        widths = self._widths(rows)
        self._row(_HEADS, widths, BOLD)
        for line, row in zip(lines, rows, strict=True):
            self._row(row, widths, *((RED,) if line.failed else ()))
            for reason in line.reasons:
                self.text(_said(reason), indent=9, first=f"{_number(reason.count)}  ")
            if line.other_reasons:
                self.text("more, for other reasons", indent=9, first=f"{_number(line.other_reasons)}  ")

    def _widths(self, rows: Sequence[Sequence[str]]) -> list[int]:
        widths = [max(terminal.width(row[at]) for row in (_HEADS, *rows)) for at in range(len(_HEADS))]
        left = self._columns - 2 * (len(widths) - 1) - sum(widths[2:])
        sender = max(8, min(widths[0], left - min(widths[1], left // 2)))
        return [sender, max(8, min(widths[1], left - sender)), *widths[2:]]

    def _row(self, row: Sequence[str], widths: Sequence[int], *codes: str) -> None:
        cells = [
            terminal.fit(text, cells, right=at in (2, 3))
            for at, (text, cells) in enumerate(zip(row, widths, strict=True))
        ]
        for at in (3,) if codes != (BOLD,) else range(len(cells)):
            cells[at] = self._screen.styled(cells[at], *codes)
        self._screen.line("  ".join(cells).rstrip())


def _row(domain: str, line: Total) -> list[str]:
    named = line.sender.domain or line.organization or "nobody"
    if line.sender.is_proven is not True and line.organization:
        named = f"{line.organization}?"
    about = f" of {line.domain}" if line.domain not in ("", domain) else ""
    return [
        named,
        policy_in_words(line.type, line.mode) + about,
        _number(line.succeeded + line.failed),
        _number(line.failed),
        _days(line.first, line.last),
    ]


def _said(reason: Reason) -> str:
    """One reason: what failed, where, from where, and when."""
    place = reason.host or reason.address
    if reason.host and reason.address:
        place += f" ({reason.address})"
    sending = ", ".join(reason.named)
    if more := len(reason.sending) - len(reason.named):
        sending += f" and {more} more"
    pieces = [
        in_words(reason.type),
        place and f"at {place}",
        sending and f"from {sending}",
        _days(reason.first, reason.last),
        reason.code and f"code: {reason.code}",
        reason.information and f"see: {reason.information}",
    ]
    return "; ".join(filter(None, pieces))


def _days(first: date, last: date) -> str:
    def day(of: date) -> str:
        return f"{of.day} {of:%b}"

    return day(first) if first == last else f"{day(first)} - {day(last)}"


def _number(count: int) -> str:
    """A number in at most six characters, unless it is beyond all mail."""
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if count >= size:
            return f"{count // size} {unit}"
    return str(count)
