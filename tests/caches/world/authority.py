"""The nameservers of the zones: they answer what was published, each change some time after it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dns.name import from_text as name_from_text
from dns.rdatatype import from_text as type_from_text
from dns.zone import from_text as zone_from_text

from dns.world.answers import canonical_rdata
from tests.caches.world.clock import Clock
from tests.caches.world.cloudflare import TimedStandIn
from tests.lab.cloudflare.zonefile import NEGATIVE_TTL, zone_text


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: the values, as our code compares them, and for how many seconds a cache keeps it."""

    values: frozenset[str]
    ttl: int


NOT_THERE = Told(frozenset(), NEGATIVE_TTL)


@dataclass(slots=True)
class _Published:
    """The records of a zone, from a moment on."""

    made: datetime
    since: datetime
    """When the slowest nameserver has them."""
    records: Mapping[tuple[str, str], Told]


@dataclass(slots=True)
class Authority:
    """All nameservers together. `delay` is how many seconds a change needs to reach the last of them."""

    cloudflare: TimedStandIn
    clock: Clock
    delay: float = 0.0
    _zones: dict[str, list[_Published]] = field(default_factory=dict)

    def publish(self) -> None:
        """Take over what the stand-in's zones hold now. Called after every change of them."""
        for name, zone in self.cloudflare.zones.items():
            records = _records(zone_text(zone), name)
            history = self._zones.setdefault(name, [])
            if not history:
                history.append(_Published(self.clock.now, self.clock.now, records))
            elif history[-1].records != records:
                seen = self.clock.now + timedelta(seconds=self.delay)
                history.append(_Published(self.clock.now, seen, records))

    def answer(self, name: str, kind: str) -> Told:
        """What the slowest nameserver of the zone that holds the name answers now."""
        at = [one for one in self._history(name) if one.since <= self.clock.now][-1]
        return at.records.get((name, kind), NOT_THERE)

    def latest(self, name: str, kind: str) -> frozenset[str]:
        """What was published last, whether any nameserver has it yet or not."""
        return self._history(name)[-1].records.get((name, kind), NOT_THERE).values

    def added(self, name: str, kind: str, is_it: Callable[[str], bool]) -> datetime | None:
        """When a value that fits was last published where none had been. None if there never was one."""
        found, stood = None, False
        for one in self._history(name):
            stands = any(map(is_it, one.records.get((name, kind), NOT_THERE).values))
            found = one.made if stands and not stood else found
            stood = stands
        return found

    def _history(self, name: str) -> list[_Published]:
        zone = next(zone for zone in sorted(self._zones, key=len, reverse=True) if _is_in(name, zone))
        return self._zones[zone]


def _records(text: str, origin: str) -> Mapping[tuple[str, str], Told]:
    zone = zone_from_text(text, name_from_text(f"{origin}."), relativize=False)
    found: dict[tuple[str, str], Told] = {}
    for kind in ("MX", "A", "AAAA", "TXT", "TLSA"):
        for name, rdataset in zone.iterate_rdatasets(type_from_text(kind)):
            values: Iterable[str] = (canonical_rdata(kind, rdata.to_text()) for rdata in rdataset)
            found[name.to_text(omit_final_dot=True), kind] = Told(frozenset(values), rdataset.ttl)
    return found


def _is_in(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")
