"""What an authority refuses, in words: its problem documents (RFC 8555, 6.7), and when to come back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_WAIT = timedelta(days=7)  # no limit of an authority runs longer, so a later date is a mistake
LARGEST_CLOCK_ERROR = timedelta(hours=1)
_PREFIX = "urn:ietf:params:acme:error:"
_FIXES = {
    "rateLimited": "the next run after that tries again",
    "caa": "a CAA record forbids it: allow this CA and this account there (python -m dns.sync DOMAIN)",
    "externalAccountRequired": "accounts that are made elsewhere (EAB) are not supported: use another CA",
    "userActionRequired": "the CA has new terms, or wants an action by hand: see the address that it names",
    "rejectedIdentifier": "this CA does not issue for this name: use another name, or another CA",
    "unsupportedIdentifier": "this CA does not issue for this name: use another name, or another CA",
    "invalidProfile": "correct certificate_profile in the inventory, or leave it out",
    "badCSR": "the CA does not accept the request: is its key of a kind that the CA takes?",
    "serverInternal": "the CA has a fault of its own: the next run tries again",
    "unauthorized": "is the record at the nameservers, and are they the zone's?",
    "dns": "do the zone's nameservers answer everywhere, and are its DNSSEC signatures right?",
    "dnssec": "do the zone's nameservers answer everywhere, and are its DNSSEC signatures right?",
    "incorrectResponse": "is a stranger's record at the name of the challenge?",
}
_VALIDATION = (
    "unauthorized",
    "dns",
    "dnssec",
    "incorrectResponse",
    "connection",
    "serverInternal",
    "malformed",
)


def code_of(kind: str) -> str:
    """The name of an error without its prefix; what is not ACME's stays as it is."""
    return kind.removeprefix(_PREFIX)


def in_words(kind: str, detail: str, retry_after: datetime | None) -> str:
    """A refusal as one line: what the authority said, and the fix."""
    code = code_of(kind)
    said = " ".join("".join(c if c.isprintable() else " " for c in detail).split())[:300].rstrip(".")
    until = f"; it asks to wait until {retry_after:%Y-%m-%d %H:%M} UTC" if retry_after else ""
    return f"the CA refused ({code}: {said or 'no reason given'}{until}): {_FIXES.get(code, 'see its words')}"


def may_try_again(kind: str) -> bool:
    """Whether a second order may succeed a moment later."""
    return code_of(kind) in _VALIDATION


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """When to come back, of a Retry-After in seconds or as a date (RFC 9110, 10.2.3). At most a week ahead.

    None if it says nothing, or no moment in the future.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        at = (
            now + timedelta(seconds=min(int(text), 10**9))
            if text.isdecimal()
            else parsedate_to_datetime(text)
        )
    except (ValueError, TypeError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return min(at, now + LONGEST_WAIT) if at > now else None


def clock_error(date: str | None, now: datetime) -> str:
    """How this host's clock differs from the Date of an answer, in words. Empty if it hardly does."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return ""
    theirs = theirs.replace(tzinfo=UTC) if theirs.tzinfo is None else theirs
    off = now - theirs
    if abs(off) <= LARGEST_CLOCK_ERROR:
        return ""
    hours = abs(off).total_seconds() / 3600
    which = "ahead of" if off > timedelta() else "behind"
    return (
        f"this host's clock ({now:%Y-%m-%d %H:%M} UTC) is {hours:.0f} h {which} the CA's: set it "
        "(timedatectl set-ntp true)"
    )
