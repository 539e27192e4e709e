"""The dead-man's switch of a host, read from the inventory. Pure.

Who knows its address can silence the alarm, so no message and no `repr` holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dns.names import did_you_mean

KEY = "heartbeat"
_KEYS = ("url", "failure_url")
_LONGEST = 2000  # characters
_EXAMPLE = "https://hc-ping.com/UUID"


@dataclass(frozen=True, slots=True)
class WantedHeartbeat:
    """The address that gets the pings. Empty: it comes from the environment, or the host has it already.

    `failure_url` is where a failure is told, for a service whose form the heartbeat does not know.
    """

    url: str = field(default="", repr=False)
    failure_url: str = field(default="", repr=False)

    @property
    def secret(self) -> str:
        """The text that the host keeps. Empty if the inventory does not have the address."""
        return "\n".join(filter(None, (self.url, self.failure_url)))


def from_data(data: Mapping[str, object], problems: list[str]) -> WantedHeartbeat | None:
    """The heartbeat, or None if the host has none. `problems` gets what is wrong."""
    value = data.get(KEY)
    if value is None or value is False:
        return None
    if value is True:
        return WantedHeartbeat()
    given: Mapping[object, object] = value if isinstance(value, Mapping) else {"url": value}
    problems += [
        f"{KEY}: unknown key {key}{did_you_mean(str(key), _KEYS)}: the known keys are {', '.join(_KEYS)}"
        for key in given
        if key not in _KEYS
    ]
    url, failure_url = given.get("url"), given.get("failure_url")
    for key, each in (("url", url), ("failure_url", failure_url)):
        if (key == "url" or each is not None) and (problem := url_problem(each)):
            problems.append(f"{KEY}: {key} {problem}")
    return WantedHeartbeat(str(url), str(failure_url or ""))


def url_problem(value: object) -> str:
    """Why this cannot be the address of a switch, without the address. Empty if it can be."""
    example = f"write one such as {_EXAMPLE}"
    if not isinstance(value, str) or not value:
        return f'is no address: {example}, or "{KEY}": True to give it in the environment'
    if not value.isascii() or not value.isprintable() or " " in value or len(value) > _LONGEST:
        return f"holds a space, or what is no part of an address, or is too long: {example}"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"has a port or a host that cannot be: {example}"
    if host is None or parts.scheme != "https":
        return f"does not begin with https:// and the name of a host: {example}"
    if parts.username is not None:
        return "has a user or a password before the host, which is not sent: use an address without them"
    return ""


def variable(hostname: str) -> str:
    """The variable of the environment that holds a host's address: LETTERBOX_HEARTBEAT_MX1_EXAMPLE_COM."""
    return f"LETTERBOX_HEARTBEAT_{hostname.upper().replace('.', '_').replace('-', '_')}"
