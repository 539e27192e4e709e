"""The policies that a sender keeps, and how it comes to them (RFC 8461, sections 3.1, 3.3 and 5.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dns.mta_sts.policy import LABEL, Policy, id_of
from tests.caches.world.clock import Clock
from tests.caches.world.edge import Edge, Upload
from tests.caches.world.resolver import Resolver


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy as a sender keeps it: with the id that the TXT record had when it was fetched."""

    id: str
    policy: Policy
    looked: datetime
    """When it had looked up the TXT record that made it fetch."""
    fetched: datetime
    upload: Upload
    """Which upload it comes from."""

    @property
    def until(self) -> datetime:
        return self.fetched + timedelta(seconds=self.policy.max_age)


@dataclass(slots=True)
class Policies:
    """What one sender keeps, by domain. It looks at the TXT record, through a resolver, at each delivery."""

    edge: Edge
    clock: Clock
    kept: dict[str, Kept] = field(default_factory=dict)
    settled: bool = False
    """Whether the sender has just looked at the TXT record, and does not do so again."""

    def of(self, domain: str, resolver: Resolver) -> Kept | None:
        """The policy that holds for a delivery now.

        Another id makes the sender fetch. A fetch that fails, and a TXT record that is not there, leave what
        it keeps until its max_age.
        """
        kept = self.kept.get(domain)
        if kept and kept.until <= self.clock.now:
            kept = None
        if self.settled:
            return kept
        name = f"{LABEL}.{domain}"
        found = id_of(resolver.ask(name, "TXT"))
        if found is None or (kept and kept.id == found) or self.edge.fails:
            return kept
        upload = self.edge.serves(domain)
        if upload.policy is None:
            return kept
        looked = resolver.since(name, "TXT") or self.clock.now
        self.kept[domain] = Kept(found, upload.policy, looked, self.clock.now, upload)
        return self.kept[domain]
