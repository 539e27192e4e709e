"""What the answer of a target means (RFC 9110 section 15). Pure."""

from __future__ import annotations

import contextlib
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from services.hooks.errors import one_line
from services.hooks.outcome import Delivered, Outcome, Stopped
from services.hooks.schedule import Failure

_MOST_SECONDS = 10**9
_OF_MESSAGE = frozenset({400, 413, 415, 422})  # what a target says of one message, and not of itself


def outcome(status: int, retry_after: str | None, location: str | None, now: float) -> Outcome:
    """What follows from an answer that came whole: its status, and its fields Retry-After and Location.

    2xx is done. 410 stops the hook. All others are failures, redirects too: the signature is for this URL,
    and another one has not been allowed.
    """
    if 200 <= status <= 299:
        return Delivered(str(status))
    said = f"{status} {_phrase(status)}".strip()
    if status == HTTPStatus.GONE:
        return Stopped(said)
    if 300 <= status <= 399:
        host = _host(location)
        said += f"{f' to {host}' if host else ''}: redirects are not followed"
    return Failure(one_line(said), seconds(retry_after, now), is_of_message=status in _OF_MESSAGE)


def seconds(retry_after: str | None, now: float) -> float | None:
    """The seconds that Retry-After asks to wait, by a number or a date (RFC 9110 section 10.2.3).

    None if it does not say.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:12]), _MOST_SECONDS))
    with contextlib.suppress(ValueError, TypeError, IndexError, OverflowError):
        date = parsedate_to_datetime(text)
        return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)
    return None


def _phrase(status: int) -> str:
    """Our word for a status. The target's own words are not repeated."""
    with contextlib.suppress(ValueError):
        return HTTPStatus(status).phrase
    return ""


def _host(location: str | None) -> str:
    with contextlib.suppress(ValueError):
        return urlsplit((location or "").strip()).hostname or ""
    return ""
