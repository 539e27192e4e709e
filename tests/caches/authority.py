"""The nameservers of the zones: they answer what was published, each change some time after it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dns.name import from_text as name_from_text
from dns.rdatatype import from_text as type_from_text
from dns.zone import from_text as zone_from_text

from dns.world.answers import canonical_rdata
from tests.caches.clock import Clock
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.zonefile import NEGATIVE_TTL, zone_text


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: the values, as our code compares them, and for how many seconds a cache keeps it."""

    values: frozenset[str]
    ttl: int


@dataclass(slots=True)
class _Published:
    """The records of a zone, from a moment on."""

    since: datetime
    records: Mapping[tuple[str, str], Told]


@dataclass(slots=True)
class Authority:
    """All nameservers together. `delay` is how many seconds a change needs to reach the last of them."""

    cloudflare: StandIn
    clock: Clock
    delay: float = 0.0
    _zones: dict[str, list[_Published]] = field(default_factory=dict)

    def publish(self) -> None:
        """Take over what the stand-in's zones hold now. Called after every change of them."""
        for name, zone in self.cloudflare.zones.items():
            records = _records(zone_text(zone), name)
            history = self._zones.setdefault(name, [])
            if not history:
                history.append(_Published(self.clock.now, records))
            elif history[-1].records != records:
                history.append(_Published(self.clock.now + timedelta(seconds=self.delay), records))

    def answer(self, name: str, kind: str) -> Told:
        """What the slowest nameserver of the zone that holds the name answers now."""
        zone = next(zone for zone in sorted(self._zones, key=len, reverse=True) if _is_in(name, zone))
        at = [one for one in self._zones[zone] if one.since <= self.clock.now][-1]
        return at.records.get((name, kind), Told(frozenset(), NEGATIVE_TTL))


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
