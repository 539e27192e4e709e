"""A resolver that keeps every answer, and that there is none, for as long as its TTL says (RFC 2308)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.caches.world.authority import Authority, Told
from tests.caches.world.clock import Clock


@dataclass(slots=True)
class Resolver:
    """It looks a name up when it is asked for it, and not before."""

    authority: Authority
    clock: Clock
    _kept: dict[tuple[str, str], tuple[datetime, Told]] = field(default_factory=dict)

    def copy(self) -> Resolver:
        """Another one that keeps the same for now."""
        return Resolver(self.authority, self.clock, dict(self._kept))

    def ask(self, name: str, kind: str) -> frozenset[str]:
        """The values, which may be old."""
        asked = (name, kind)
        if self.since(name, kind) is None:
            self._kept[asked] = (self.clock.now, self.authority.answer(name, kind))
        return self._kept[asked][1].values

    def since(self, name: str, kind: str) -> datetime | None:
        """When it looked up what it still keeps. None if it keeps nothing."""
        at, told = self._kept.get((name, kind), (self.clock.now, Told(frozenset(), 0)))
        return at if self.clock.now < at + timedelta(seconds=told.ttl) else None

    def left(self, name: str, kind: str) -> int:
        """For how many seconds it still keeps its answer."""
        at, told = self._kept[name, kind]
        return max(0, int((at + timedelta(seconds=told.ttl) - self.clock.now).total_seconds()))
