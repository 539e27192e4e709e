"""Limits on open connections: in total, from one address, and from one network (an IPv4 /24, an IPv6 /64)."""

from __future__ import annotations

import ipaddress
from collections import Counter
from functools import lru_cache
from typing import Protocol

from receiver.config.values import Limits
from receiver.smtp import replies
from receiver.smtp.replies import Reply

_ALL = "*"  # the key of the total; no address and no network is written like this


class OtherWorkers(Protocol):
    """Counts that workers share. A key is an address, a network or `_ALL`."""

    def count(self, key: str) -> int:
        """The connections that the other workers have open."""
        ...

    def add(self, key: str, number: int) -> None:
        """Tell the other workers that this worker opened `number` connections; closed them if negative."""
        ...


class NoOtherWorkers:
    """The counts of a receiver with one worker."""

    def count(self, key: str) -> int:
        return 0

    def add(self, key: str, number: int) -> None:
        pass


class Admission:
    """Counts open connections. For each `enter` that returned None, call `leave` once."""

    def __init__(self, limits: Limits, others: OtherWorkers | None = None) -> None:
        others = others or NoOtherWorkers()
        self._limits = limits
        self._others = others
        self._open: Counter[str] = Counter()
        self._logged: set[str] = set()

    def enter(self, peer: str) -> Reply | None:
        """Count a connection from this IP address. Over a limit, return the reply that refuses it."""
        for key, limit, reply in self._rules(peer):
            if self._open[key] + self._others.count(key) >= limit:
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

    def should_log_refusal(self, peer: str) -> bool:
        """Whether to log that this address was refused.

        True only once for each network, until all connections of the network have ended.
        """
        key = network(peer)
        if key in self._logged:
            return False
        self._logged.add(key)
        if self._open[key] <= 0:
            del self._open[key]
            self._logged.discard(key)
        return True

    def _rules(self, peer: str) -> tuple[tuple[str, int, Reply], ...]:
        limits = self._limits
        return (
            (_ALL, limits.connections, replies.TOO_MANY_CONNECTIONS),
            (peer, limits.connections_per_address, replies.TOO_MANY_FROM_ADDRESS),
            (
                network(peer),
                limits.connections_per_network,
                replies.TOO_MANY_FROM_NETWORK,
            ),
        )


@lru_cache(4096)
def network(peer: str) -> str:
    """The /24 or /64 network of an IP address. A text that is no address counts as a network of its own."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return f"{peer}/"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    length = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network((address, length), strict=False))
