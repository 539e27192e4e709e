"""How many connections there may be: in all, from one address, from one network (/24, /64)."""

from __future__ import annotations

import ipaddress
from collections import Counter
from functools import lru_cache
from typing import Protocol

from receiver.config import Limits

_ALL = "*"  # the key of all connections together; no address, and no network


class Others(Protocol):
    """What other workers have open, and are to know of us."""

    def elsewhere(self, key: str) -> int: ...
    def add(self, key: str, number: int) -> None: ...


class Alone:
    """There is no other worker."""

    def elsewhere(self, key: str) -> int:
        return 0

    def add(self, key: str, number: int) -> None:
        pass


class Admission:
    """Counts open connections. Every `enter` that returns None is paired with one `leave`."""

    def __init__(self, limits: Limits, others: Others = Alone()) -> None:  # noqa: B008  # it has no state
        self._limits = limits
        self._others = others
        self._open: Counter[str] = Counter()
        self._logged: set[str] = set()

    def enter(self, peer: str) -> str | None:
        """Count a connection in, or the reply it is refused with."""
        for key, limit, reply in self._rules(peer):
            if self._open[key] + self._others.elsewhere(key) >= limit:
                return reply
        for key, _, _ in self._rules(peer):
            self._open[key] += 1
            self._others.add(key, 1)
        return None

    def leave(self, peer: str) -> None:
        for key, _, _ in self._rules(peer):
            self._open[key] -= 1
            self._others.add(key, -1)
            if self._open[key] <= 0:
                del self._open[key]
                self._logged.discard(key)

    def worth_a_line(self, peer: str) -> bool:
        """True once for a network that is over a limit, until all its connections have gone."""
        key = network(peer)
        if key in self._logged:
            return False
        self._logged.add(key)
        if self._open[key] <= 0:
            del self._open[key]
            self._logged.discard(key)
        return True

    def _rules(self, peer: str) -> tuple[tuple[str, int, str], ...]:
        limits = self._limits
        return (
            (_ALL, limits.connections, "421 4.3.2 Too many connections, try again later"),
            (peer, limits.connections_per_address, "421 4.7.0 Too many connections from your address"),
            (
                network(peer),
                limits.connections_per_network,
                "421 4.7.0 Too many connections from your network",
            ),
        )


@lru_cache(4096)
def network(peer: str) -> str:
    """The /24 or /64 that an address is in; what is no address is its own network."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return f"{peer}/"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    length = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network((address, length), strict=False))
