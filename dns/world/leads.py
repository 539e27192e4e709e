"""Where a domain's mail is led to: the MX that its nameservers answer, and those that resolvers still keep.

A domain without MX is its own mail host (RFC 5321, section 5.1). If a nameserver cannot be asked,
`Leads.unknown` says why. Then nobody may conclude that mail goes elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from dns.errors import SyncError
from dns.names import LONGEST, below
from dns.records import ADDRESS_TYPES
from dns.until import WITHDRAWN, parse_withdrawn
from dns.world import asking, delegation
from dns.world.answers import Answer
from dns.world.nameservers import Server
from dns.world.vantage import VantagePoint

LONGEST_CHAIN = 8  # aliases that are followed from the domain to its MX


@dataclass(frozen=True, slots=True)
class Lead:
    """One target of a domain's mail, and who says so."""

    domain: str
    target: str
    preference: int | None
    """None if the domain has no MX, and is its own target."""
    ttl: int
    """For how many seconds a sender may keep it."""
    source: str
    """The nameserver or resolver that answers so."""
    addresses: frozenset[str] = frozenset()
    """The addresses of the target, if `with_addresses` looked them up."""
    cached: bool = False
    """Whether only a resolver says so. It has kept the answer, and will forget it after `ttl`."""

    def __str__(self) -> str:
        if self.preference is None:
            return f"{self.domain} (no MX: its own address)"
        return f"{self.domain} MX {self.preference} {self.target}"


@dataclass(frozen=True, slots=True)
class Leads:
    """Everything that is known about where a domain's mail is led to."""

    domain: str
    found: tuple[Lead, ...] = ()
    unknown: str = ""
    """Why there may be more leads than were found. Empty if there are no more."""
    withdrawn_until: datetime | None = None
    """If `dns.sync --withdraw` took the MX away: until when senders may still come."""

    def to(self, names: Collection[str], addresses: Collection[str] = ()) -> Lead | None:
        """The first lead to one of these names, or to a target that has one of these addresses."""
        for lead in self.found:
            if lead.target in names or not lead.addresses.isdisjoint(addresses):
                return lead
        return None


def look_up(domain: str, vantage: VantagePoint) -> Leads:
    """Ask every nameserver of the domain, from the root down, and the resolvers for what they keep."""
    published = _published(domain, vantage, LONGEST_CHAIN)
    targets = {lead.target for lead in published.found}
    kept = [lead for lead in cached(domain, vantage) if lead.target not in targets]
    return replace(published, found=(*published.found, *kept))


def cached(domain: str, vantage: VantagePoint) -> tuple[Lead, ...]:
    """The MX that resolvers answer. A resolver that does not answer proves nothing, and adds nothing."""

    def ask(resolver: Server) -> list[Lead]:
        answer = asking.ask(resolver.address, domain, "MX", port=vantage.resolver.port, recursive=True)
        leads = _leads(domain, answer, f"the resolver {resolver.address}")
        return [replace(lead, cached=True) for lead in leads]

    with ThreadPoolExecutor(max_workers=max(1, len(vantage.resolvers))) as pool:
        return tuple(lead for found in pool.map(ask, vantage.resolvers) for lead in found)


def with_addresses(leads: Leads, vantage: VantagePoint, *, but: Collection[str] = ()) -> Leads:
    """The same leads with the addresses of their targets, except for the names in `but`."""
    found: list[Lead] = []
    unknown = leads.unknown
    for lead in leads.found:
        if lead.target not in but:
            said = [vantage.resolve(lead.target, kind) for kind in ADDRESS_TYPES]
            lead = replace(lead, addresses=said[0].values | said[1].values)
            if any(answer.exists is None for answer in said) and not unknown:
                reason = next(a.silence or a.status for a in said if a.exists is None)
                unknown = f"{lead}, and the resolver has no addresses for {lead.target} ({reason})"
        found.append(lead)
    return replace(leads, found=tuple(found), unknown=unknown)


def with_withdrawal(leads: Leads, vantage: VantagePoint) -> Leads:
    """The same leads with `withdrawn_until`, as the domain's nameservers answer it (`dns.until`)."""
    if len(leads.domain) + len(WITHDRAWN) + 1 > LONGEST:
        return leads  # there is no room for the record
    try:
        zone = delegation.find(leads.domain, vantage.resolver, port=vantage.port)
        servers = delegation.locate(zone, vantage.resolver).servers
    except SyncError as error:
        return replace(leads, unknown=leads.unknown or str(error))
    asked = below(leads.domain, WITHDRAWN)
    times: list[datetime] = []
    silent: list[str] = []
    for name in zone.nameservers:
        answer, reason = _answer(name, servers, asked, "TXT", vantage.port)
        if answer is None:
            silent.append(f"{name} {reason}")
        else:
            times += filter(None, (parse_withdrawn(text) for text in answer.values))
    return replace(
        leads, withdrawn_until=max(times, default=None), unknown=leads.unknown or "; ".join(silent)
    )


def _published(domain: str, vantage: VantagePoint, chain: int) -> Leads:
    """What the nameservers of the zone that holds the domain answer. Aliases are followed."""
    if not chain:
        return Leads(domain, unknown=f"{domain} is an alias of an alias, more than {LONGEST_CHAIN} deep")
    try:
        zone = delegation.find(domain, vantage.resolver, port=vantage.port)
        servers = delegation.locate(zone, vantage.resolver).servers
    except SyncError as error:
        return Leads(domain, unknown=str(error))
    found: dict[str, Lead] = {}
    silent: list[str] = []
    aliases: set[str] = set()
    with ThreadPoolExecutor(max_workers=max(1, len(zone.nameservers))) as pool:
        for name, (answer, reason) in zip(
            zone.nameservers,
            pool.map(lambda name: _answer(name, servers, domain, "MX", vantage.port), zone.nameservers),
            strict=True,
        ):
            if answer is None:
                silent.append(f"{name} {reason}")
            elif answer.alias and not answer.values:
                aliases.add(answer.alias)
            else:
                for lead in _leads(domain, answer, name):
                    found.setdefault(lead.target, lead)
                if not answer.values and answer.status == "NOERROR":
                    found.setdefault(domain, Lead(domain, domain, None, answer.ttl, name))
    unknown = "; ".join(silent)
    for alias in sorted(aliases):
        behind = _published(alias, vantage, chain - 1)
        found |= {lead.target: replace(lead, domain=domain) for lead in behind.found}
        unknown = unknown or behind.unknown
    return Leads(domain, tuple(found.values()), unknown)


def _answer(
    name: str, servers: Collection[Server], asked: str, kind: str, port: int
) -> tuple[Answer | None, str]:
    """The answer of the nameserver of this name, at any of its addresses; or None and why."""
    reason = "has no address that this machine has a route to"
    for server in [server for server in servers if server.name == name] * 2:  # a question may get lost
        answer = asking.ask(server.address, asked, kind, port=port)
        if answer.exists is not None and answer.authoritative:
            return answer, ""
        said = answer.silence or ("not authoritative" if answer.exists is not None else answer.status)
        reason = f"does not answer for it ({server.address}: {said})"
    return None, reason


def _leads(domain: str, answer: Answer, source: str) -> Iterator[Lead]:
    """The targets of the MX in an answer. `.` is not a target: the domain takes no mail (RFC 7505)."""
    for value in sorted(answer.values):
        preference, _, target = value.partition(" ")
        if target != ".":
            yield Lead(domain, target, int(preference), answer.ttl, source)
