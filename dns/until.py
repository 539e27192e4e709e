"""The comment of a record of ours that nothing asks for any more, and that stays for now. Pure.

    letterbox until 2026-11-26T03:05:00Z example.com     it stays until this time
    letterbox until +300 example.com                     mail is still led to it; then it stays 300 s longer

The zone itself holds the time, so any machine can do the next run. An older release does not know this form,
takes such a record for somebody else's, and leaves it alone.

A domain whose MX was withdrawn has a TXT record that says the same to whoever has no token. It stands at
`_letterbox.DOMAIN`, and a deploy asks for it before a host forgets the domain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dns.records import MARK, MARK_LENGTH, UNTIL, Record, key_of

AUTOMATIC_SECONDS = 300
"""What a TTL of 1 means at Cloudflare."""
PROPAGATION = 180
"""Seconds that are added to a TTL: a change needs some time to reach every nameserver of the zone."""
WITHDRAWN = "_letterbox"
WITHDRAWN_TTL = 60
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_WITHDRAWN_TEXT = "letterbox: withdrawn, senders may come until "


@dataclass(frozen=True, slots=True)
class Until:
    """How long a record stays: until `time` (UTC), or `seconds` longer than mail is led to it."""

    time: datetime | None
    seconds: int = 0

    def __str__(self) -> str:
        return f"+{self.seconds}" if self.time is None else to_text(self.time)


def to_text(time: datetime) -> str:
    """The time in UTC, in whole seconds, as RFC 3339 writes it."""
    return time.astimezone(UTC).strftime(_FORM)


def parse_time(text: str) -> datetime | None:
    """The time that the text of `to_text` says. None for any other text."""
    try:
        return datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def after(now: datetime, seconds: float) -> datetime:
    """When caches that may hold an answer for `seconds` have forgotten it, if it is changed `now`.

    It is the next whole minute, which people can read at a glance.
    """
    exact = now + timedelta(seconds=seconds + PROPAGATION)
    return exact.replace(second=0, microsecond=0) + timedelta(minutes=1)


def seconds_of(ttl: int) -> int:
    """A record's TTL in seconds: Cloudflare answers its automatic one, 1, as 300."""
    return AUTOMATIC_SECONDS if ttl == 1 else ttl


def until_of(record: Record) -> Until | None:
    """How long the record stays by its comment. None if the comment says nothing of it.

    If somebody has edited the time away, it is as if mail were still led to the record.
    """
    words = (record.comment or "").split()
    if words[:2] != [MARK, UNTIL]:
        return None
    said = words[2] if len(words) > 2 else ""
    if said.startswith("+") and said[1:].isdecimal() and said.isascii():
        return Until(None, int(said[1:]))
    return Until(parse_time(said))


def staying(record: Record, until: Until) -> Record:
    """The record with a comment that says until when it stays."""
    key, *rest = plain(record.comment).split()[1:] or [""]
    head = f"{MARK} {UNTIL} {until}"
    if len(f"{head} {key}") > MARK_LENGTH:
        key = key_of(key)
    whole = " ".join([head, key, *rest])
    return replace(record, comment=whole if len(whole) <= MARK_LENGTH else f"{head} {key}")


def wanted_again(record: Record) -> Record:
    """The record with the comment that it has while something asks for it."""
    return record if until_of(record) is None else replace(record, comment=plain(record.comment))


def plain(comment: str | None) -> str:
    """The comment without its time."""
    words = (comment or "").split()
    return " ".join([MARK, *words[3:]]) if words[:2] == [MARK, UNTIL] else comment or ""


def withdrawn_text(until: datetime) -> str:
    """What the TXT record at `_letterbox.DOMAIN` says."""
    return f"{_WITHDRAWN_TEXT}{to_text(until)}"


def parse_withdrawn(text: str) -> datetime | None:
    """Until when senders may come, from the text of `withdrawn_text`. None for any other text."""
    if not text.startswith(_WITHDRAWN_TEXT):
        return None
    return parse_time(text.removeprefix(_WITHDRAWN_TEXT))


def at(record: Record, until: Until) -> Record:
    """The record as it stays until another time: its comment, and the text of a withdrawal's TXT record."""
    if until.time is not None and parse_withdrawn(record.content):
        record = replace(record, content=withdrawn_text(until.time))
    return staying(record, until)


def said_in_words(time: datetime) -> str:
    """The time for people: `2026-11-26 03:05 UTC`. Seconds, which our times do not have, are counted up."""
    whole = time if not (time.second or time.microsecond) else time + timedelta(minutes=1)
    return whole.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
