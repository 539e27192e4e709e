"""JSON of strangers (RFC 8259), and values of the wanted kind out of it. Pure, in bounded time and memory.

Nothing but `parse` raises. A value of another kind than the wanted one is taken for one that is missing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

from receiver.cli import terminal

LARGEST_COUNT = 10**12  # sessions
_MOST_DIGITS = 15  # of a whole number; longer ones are no counts and no times
_LONGEST_DATE = 40  # characters
_YEARS = range(1970, 2200)
_IN_MILLISECONDS, _LATEST = 10**11, 7 * 10**12  # of a time since 1970: a larger number is none
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T _]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d{1,9})?)? ?(?:Z|UTC|GMT|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII | re.IGNORECASE,
)
_MAIL_DATE = re.compile(  # RFC 5322 section 3.3
    r"(?:[a-z]{3}, ?)?(\d{1,2}) ([a-z]{3}) (\d{4})"
    r"(?: (\d\d):(\d\d)(?::(\d\d))? ?(?:UTC|GMT|([+-])(\d\d)(\d\d))?)?",
    re.ASCII | re.IGNORECASE,
)


class NotReadable(Exception):
    """Something is no report that can be read. `str(e)` says why; it has no words of a stranger."""


def parse(octets: bytes) -> object:
    """Parse JSON in UTF-8, UTF-16 or UTF-32, also with a byte order mark. Raises NotReadable.

    A number that no count and no time can be (NaN, one of many digits) is None.
    """
    text = octets.decode(json.detect_encoding(octets), "replace").removeprefix("\ufeff").strip("\0 \t\r\n")
    try:
        found: object = json.loads(text, parse_int=_whole, parse_constant=lambda name: None)
    except RecursionError:
        raise NotReadable("its JSON is nested too deeply") from None
    except ValueError:
        raise NotReadable("it is not JSON") from None
    return found


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def mapping(value: object) -> Mapping[str, object]:
    """The object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[object]:
    """The array. A single value counts as an array of it, and null or nothing as an empty one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def text(value: object, longest: int = 200) -> str:
    """A text on one line that is safe for a terminal, cut to `longest` characters. Empty if it is no text.

    Of an array the first three texts count. A number is a text, too, because some programs leave out quotes.
    """
    if isinstance(value, list):
        return ", ".join(filter(None, (text(each, longest) for each in value[:3] if type(each) is not list)))[
            :longest
        ]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return terminal.plain(str(value)[: longest * 4])[:longest]


def count(value: object) -> int | None:
    """A number of sessions from 0 to LARGEST_COUNT, also if it is written as a text. None if it is none."""
    found = _number(value)
    return None if found is None or found > LARGEST_COUNT else found


def _number(value: object) -> int | None:
    """A whole number that is not negative, also if it is written as a text."""
    if isinstance(value, str):
        digits = value.strip()[: _MOST_DIGITS + 1]
        value = _whole(digits) if digits.isascii() and digits.isdigit() else None
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def moment(value: object) -> datetime | None:
    """A time in UTC. None if it is none.

    The forms: RFC 3339, also with parts of it left out, that of mail (RFC 5322), and seconds or milliseconds
    since 1970. A time without a zone is in UTC.
    """
    try:
        if isinstance(value, str):
            stripped = value[: _LONGEST_DATE * 2].strip()[: _LONGEST_DATE + 1]
            if found := _DATE.fullmatch(stripped):
                return _utc(int(found[1]), int(found[2]), int(found[3]), *found.groups()[3:])
            if found := _MAIL_DATE.fullmatch(stripped):
                month = _MONTHS.index(found[2].lower()) + 1
                return _utc(int(found[3]), month, int(found[1]), *found.groups()[3:])
        seconds = _number(value)
        if seconds is None or seconds > _LATEST:
            return None
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _IN_MILLISECONDS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _utc(year: int, month: int, day: int, *time_and_zone: str | None) -> datetime:
    """Raises ValueError. The rest are hour, minute, second, sign, hours and minutes."""
    if year not in _YEARS:
        raise ValueError("no report is of that year")
    hour, minute, second = (int(each or 0) for each in time_and_zone[:3])
    sign, hours, minutes = time_and_zone[3:]
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    zone = timezone(-ahead if sign == "-" else ahead)
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)
