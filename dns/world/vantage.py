"""The vantage point: from where a domain is looked at, and by asking whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dns.world import asking
from dns.world.answers import Answer
from dns.world.greeting import CONNECT_SECONDS
from dns.world.nameservers import Server
from dns.world.resolvers import PUBLIC_RESOLVERS, named_resolver, resolver_at

if TYPE_CHECKING:
    from dns.resolver import Resolver

# Mail hosts that are always up and greet by a name of their own organisation. If these cannot be reached
# either, or if another host greets in their place, the fault is not at our mail host.
REFERENCES = ("gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com")


@dataclass(frozen=True, slots=True)
class VantagePoint:
    """Whom to ask. `resolvers` are addresses; names are looked up with the first that answers."""

    resolver: Resolver
    resolvers: tuple[Server, ...]
    port: int = 53
    smtp_port: int = 25
    https_port: int = 443
    smtp_seconds: float = CONNECT_SECONDS
    references: tuple[str, ...] = REFERENCES

    def resolve(self, name: str, kind: str) -> Answer:
        """The answer of the first resolver that gives one. If none does, what the last one said.

        The answer never counts as authoritative, because a network can rewrite what a resolver says.
        """
        answer = Answer(status="", silence="no resolver")
        for server in self.resolvers:
            answer = asking.ask(server.address, name, kind, port=self.resolver.port, recursive=True)
            if answer.exists is not None:
                break
        return replace(answer, authoritative=False)


def vantage_with(resolver: str | None) -> VantagePoint:
    """The view with the named resolver alone. If none is named, with the system's and with public ones.

    `resolver` is `ADDRESS` or `ADDRESS#PORT`, by default LETTERBOX_RESOLVER. Raises SyncError.
    """
    named = named_resolver(resolver)
    at = resolver_at(named)
    addresses = [str(address) for address in at.nameservers]
    if not named:
        addresses += [address for address in PUBLIC_RESOLVERS if address not in addresses]
    return VantagePoint(at, tuple(Server("resolver", address) for address in addresses))
