"""What a dead-man's switch is to be asked, in the form that its service reads. Pure.

| service | success | failure |
| --- | --- | --- |
| healthchecks.io, hosted or one's own | POST, the report as its body | the same to ADDRESS/fail |
| Uptime Kuma (push monitor) | GET with `status=up` and the report as `msg` | `status=down` |
| Cronitor | GET with `state=complete` and the report as `message` | `state=fail` |
| any other | POST, the report as its body | POST to the failure address if one is given. Else nothing |

Nothing is what a dead-man's switch waits for: no ping at all is its alarm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

_LONGEST_QUERY = 1000  # characters of a report in an address
_HEALTHCHECKS = "hc-ping.com"
_OWN_HEALTHCHECKS = re.compile(r"/ping/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/?", re.IGNORECASE)
_KUMA = re.compile(r".*/api/push/[^/]+/?")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Ping:
    """One request. `body` is None for GET. `url` is a secret, and is left out of what is printed of this."""

    url: str
    body: str | None

    def __repr__(self) -> str:
        return "Ping()"


@dataclass(frozen=True, slots=True)
class Switch:
    """The address of a switch, and where it is told a failure, if the user says that."""

    url: str
    failure_url: str = ""

    def __repr__(self) -> str:
        return "Switch()"

    def ping(self, report: str, *, well: bool) -> Ping | None:
        """The request that tells the report. None if this service is told a failure by silence."""
        if not well and self.failure_url:
            return Ping(self.failure_url, report)
        parts = urlsplit(self.url)
        if _has_fail_path(parts):
            return Ping(self.url if well else _with_path(parts, f"{parts.path.rstrip('/')}/fail"), report)
        if _KUMA.fullmatch(parts.path):
            return Ping(_with_query(parts, {"status": "up" if well else "down", "msg": report}), None)
        if parts.hostname == "cronitor.link":
            state = "complete" if well else "fail"
            return Ping(_with_query(parts, {"state": state, "message": report}), None)
        return Ping(self.url, report) if well else None


def parse_switch(text: str) -> Switch:
    """The credential: the address, and on a second line where a failure is told. Raises ValueError."""
    lines = text.split()
    if not 1 <= len(lines) <= 2:
        raise ValueError("it does not hold an address")
    for url in lines:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or (parts.scheme != "https" and not is_local):
            raise ValueError("its address does not begin with https://")
    return Switch(*lines)


def _has_fail_path(parts: SplitResult) -> bool:
    """Whether the service takes a failure at the same address with /fail behind it."""
    host, path = parts.hostname or "", parts.path
    return host == _HEALTHCHECKS or bool(_OWN_HEALTHCHECKS.fullmatch(path))


def _with_path(parts: SplitResult, path: str) -> str:
    return parts._replace(path=path).geturl()


def _with_query(parts: SplitResult, values: dict[str, str]) -> str:
    """The address with these values. What else its query has stays, but for Kuma's example `ping=`."""
    kept = [(key, value) for key, value in parse_qsl(parts.query) if key not in (*values, "ping")]
    short = {key: " | ".join(value.splitlines())[:_LONGEST_QUERY] for key, value in values.items()}
    return parts._replace(query=urlencode([*kept, *short.items()])).geturl()
