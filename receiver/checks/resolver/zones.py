"""Room for the questions about one domain: its nameservers may be silent, and its owner may want that.

Without a bound they would take all connections: a few messages with signatures of such a domain would leave
all others unchecked.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

MOST = 8  # questions about names of one domain that are asked at a time


class Zones:
    """Bounds the questions about one domain. A semaphore lives as long as somebody has it or waits for it."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def room(self, name: str) -> asyncio.Semaphore:
        """What to hold while the question is asked."""
        zone = zone_of(name)
        found = self._rooms.get(zone)
        if found is None:
            found = self._rooms[zone] = asyncio.Semaphore(self._most)
        return found


def zone_of(name: str) -> str:
    """About the domain of this name: its last two labels; of a reverse name the /16 (IPv4) or /32 (IPv6)."""
    labels = name.split(".")
    last = 4 if name.endswith(".in-addr.arpa") else 10 if name.endswith(".ip6.arpa") else 2
    return ".".join(labels[-last:])
