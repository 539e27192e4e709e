"""One message of a source, and what the source says about it: its folder, its date and its flags. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz

from receiver.headers import Fields

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DATE = re.compile(
    rb"(?P<month>%b) {1,2}(?P<day>\d{1,2}) (?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    rb"(?: (?P<before>[+-]\d{4})| [A-Z]{1,5})? (?P<year>\d{4})(?: (?P<after>[+-]\d{4}))?"
    % "|".join(_MONTHS).encode()
)
# A message that is marked as deleted comes back without that mark. A stranger may have written the field, and
# with the mark a mail client would remove his message, or hide it.
_X_STATUS = {"A": "R", "F": "F", "T": "D"}
_MOZILLA = {0x0001: "S", 0x0002: "R", 0x0004: "F", 0x1000: "P"}
_LABELS = {"starred": "F", "drafts": "D"}  # of Gmail's Takeout
FLAGS = "DFPRST"  # the flags of maildir(5) that every program reads alike


class SourceError(Exception):
    """The source cannot be read on. `str(e)` says what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The flags of a message, sorted, and whether no mail client has seen it yet (the folder new/)."""

    flags: str = ""
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A message of a source. Read all `pieces` before you ask for the next message.

    `place` says where it is, for people. `folder` is that of a Maildir++ subfolder, such as `.Archive`, or
    empty. `seconds` are since 1970, or None if the source does not say. `marks` are None if they are in the
    header section (`marks_of`).
    """

    place: str
    pieces: Iterator[bytes]
    folder: str = ""
    seconds: float | None = None
    marks: Marks | None = None


def date_of_line(line: bytes) -> float | None:
    """The time in a line `From `, in seconds since 1970. It is UTC unless a number says otherwise (RFC 4155).

    The number is before the year, as in Gmail's Takeout, or behind it. None if the line has no time.
    """
    found = _DATE.search(line)
    if found is None:
        return None
    said = found.groupdict()
    month = _MONTHS.index(said["month"].decode()) + 1
    numbers = [int(said[name] or 0) for name in ("day", "hour", "minute", "second")]
    zone = int(said["before"] or said["after"] or 0)
    offset = (abs(zone) // 100 * 60 + abs(zone) % 100) * 60 * (-1 if zone < 0 else 1)
    try:
        return calendar.timegm((int(said["year"]), month, *numbers, 0, 0, 0)) - float(offset)
    except ValueError:  # The 31st of February, for example.
        return None


def date_of_head(fields: Fields) -> float | None:
    """The time in the field Date, in seconds since 1970. None if it has none."""
    parsed = parsedate_tz(fields.text("date")[:100])
    try:
        return float(mktime_tz(parsed)) if parsed else None
    except (ValueError, OverflowError):
        return None


def marks_of(fields: Fields) -> Marks:
    """What Status, X-Status, X-Mozilla-Status and X-Gmail-Labels say. Without any of them a message is new.

    In Status, R is a message that was read, and O one that was there before, as mutt(1) and Dovecot write it.
    """
    status, more = fields.text("status")[:20].upper(), fields.text("x-status")[:20].upper()
    flags = {"S"} if "R" in status else set()
    flags |= {_X_STATUS[each] for each in more if each in _X_STATUS}
    seen_before = "O" in status
    if mozilla := fields.text("x-mozilla-status").strip():
        try:
            bits = int(mozilla[:8], 16)
        except ValueError:
            bits = 0
        flags |= {flag for bit, flag in _MOZILLA.items() if bits & bit}
        seen_before = True
    if labels := fields.text("x-gmail-labels"):
        names = {each.strip().strip('"').lower() for each in labels[:2000].split(",")}
        flags |= {flag for name, flag in _LABELS.items() if name in names}
        flags |= set() if "unread" in names else {"S"}
        seen_before = "unread" not in names
    return Marks("".join(sorted(flags)), not (flags or seen_before))
