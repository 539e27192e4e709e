"""Everybody who ever sent: what resolvers and senders keep, in each combination that makes a difference.

A sender looks up the MX, the TXT record and the policy at times of its own. So each that somebody keeps goes
together with each other one. Of two that are the same, the newer one is kept, because it lasts longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dns import tlsa
from dns.mta_sts.policy import LABEL
from tests.caches.world.authority import Authority
from tests.caches.world.clock import Clock
from tests.caches.world.edge import Edge
from tests.caches.world.policies import Kept, Policies
from tests.caches.world.resolver import Resolver
from tests.caches.world.sender import Sender


@dataclass(slots=True)
class Everybody:
    """The senders to one domain."""

    domain: str
    authority: Authority
    edge: Edge
    clock: Clock
    routes: dict[object, Resolver] = field(default_factory=dict)
    """Resolvers that keep the MX of the domain, and perhaps what is known of its mail hosts."""
    texts: dict[object, Resolver] = field(default_factory=dict)
    """Resolvers that keep the TXT record, or that there is none."""
    policies: dict[object, Kept] = field(default_factory=dict)

    @property
    def text_name(self) -> str:
        return f"{LABEL}.{self.domain}"

    def look(self) -> None:
        """New ones come and look everything up. Those whose answers have run out are as new ones."""
        for addresses in (False, True):
            route = Resolver(self.authority, self.clock)
            Sender(route).look_up(self.domain, addresses=addresses)
            self.routes[self._kept_by(route)] = route
        text = Resolver(self.authority, self.clock)
        self.texts[text.ask(self.text_name, "TXT")] = text
        self.routes = {key: one for key, one in self.routes.items() if one.since(self.domain, "MX")}
        self.texts = {key: one for key, one in self.texts.items() if one.since(self.text_name, "TXT")}
        self.policies = {key: one for key, one in self.policies.items() if one.until > self.clock.now}
        for policies in self._policies():
            for kept in policies.kept.values():
                before = self.policies.get((kept.id, kept.upload.text))
                if before is None or before.fetched < kept.fetched:
                    self.policies[kept.id, kept.upload.text] = kept

    def senders(self) -> Iterator[Sender]:
        """One for each combination that may make a difference to a delivery now."""
        # While the edge fails, senders use what they keep. What comes of that is not held against us, if the
        # same sender would do well with the answer that it does not get.
        fails, self.edge.fails = self.edge.fails, False
        try:
            held = {self._effective(policies): policies for policies in self._policies()}
            for route in list(self.routes.values()):
                for policies in held.values():
                    yield Sender(route.copy(), policies)
        finally:
            self.edge.fails = fails

    def _policies(self) -> Iterator[Policies]:
        """What senders keep when they have looked at the TXT record that they have, and have fetched."""
        for text in list(self.texts.values()):
            looked = text.since(self.text_name, "TXT")
            # A sender has one resolver. So a TXT record that it keeps is not older than the one by which it
            # came to its policy.
            possible = [one for one in self.policies.values() if looked is None or one.looked <= looked]
            for kept in [None, *possible]:
                policies = Policies(self.edge, self.clock, {self.domain: kept} if kept else {})
                policies.of(self.domain, text.copy())
                yield Policies(self.edge, self.clock, policies.kept, settled=True)

    def _effective(self, policies: Policies) -> object:
        kept = policies.kept.get(self.domain)
        return (kept.policy, kept.upload.made) if kept else None

    def _kept_by(self, route: Resolver) -> object:
        targets = Sender(route.copy()).targets(self.domain)
        asked = [(name, kind) for name in targets for kind in ("A", "AAAA")]
        asked += [(tlsa.name_of(name), tlsa.TYPE) for name in targets]
        known = [(*one, route.copy().ask(*one)) for one in asked if route.since(*one)]
        return (route.ask(self.domain, "MX"), tuple(known))
