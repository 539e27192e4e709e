"""What our code is answered that asks where mail is led."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dns.until import WITHDRAWN, parse_withdrawn
from dns.world.leads import Lead, Leads
from tests.caches.world.authority import Authority
from tests.caches.world.clock import Clock
from tests.caches.world.resolver import Resolver


@dataclass(slots=True)
class WhereMailIsLed:
    """The nameservers, and the resolver that our code asks."""

    authority: Authority
    clock: Clock
    resolver: Resolver = field(init=False)

    def __post_init__(self) -> None:
        self.resolver = Resolver(self.authority, self.clock)

    def look_up(self, domains: Sequence[str], cached_only: bool) -> Sequence[Leads]:
        """What our code would be answered: by the nameservers, and by the resolver that it asks."""
        found = []
        for domain in domains:
            leads = [] if cached_only else list(self._served(domain, "the nameservers"))
            if self.resolver.since(domain, "MX"):
                left = self.resolver.left(domain, "MX")
                kept = [value.split() for value in self.resolver.ask(domain, "MX")]
                targets = {lead.target for lead in leads}
                leads += [
                    Lead(domain, target, int(number), left, "a resolver", cached=True)
                    for number, target in kept
                    if target not in targets
                ]
            found.append(Leads(domain, tuple(leads)))
        return found

    def _served(self, domain: str, source: str) -> Iterator[Lead]:
        told = self.authority.answer(domain, "MX")
        for value in sorted(told.values):
            number, target = value.split()
            addresses = frozenset().union(
                *(self.authority.answer(target, kind).values for kind in ("A", "AAAA"))
            )
            yield Lead(domain, target, int(number), told.ttl, source, addresses)

    def of(self, domains: Iterable[str]) -> dict[str, Leads]:
        made = {}
        for domain in domains:
            texts = self.authority.answer(f"{WITHDRAWN}.{domain}", "TXT").values
            times = [time for time in map(parse_withdrawn, texts) if time]
            (leads,) = self.look_up([domain], False)
            made[domain] = Leads(domain, leads.found, withdrawn_until=max(times, default=None))
        return made
