"""Which nameservers a domain has: following the delegations from the root down (RFC 1034, 5.3.3).

At each step the servers of a zone are asked, without recursion, and their referral is followed. So the
result is what the parent says, not what a cache or the zone itself says. A server that does not answer for
its zone is skipped: one that is silent, refuses, or refers upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dns.errors import SyncError
from dns.names import is_within
from dns.records import ADDRESS_TYPES
from dns.world import answers, asking, nameservers
from dns.world.nameservers import (
    MOST_SILENT,
    FoundAddresses,
    Located,
    Server,
    ask_any,
    resolve_addresses,
    round_robin,
)

if TYPE_CHECKING:
    from dns.message import Message
    from dns.resolver import Resolver

MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Delegation:
    """The delegation of a zone, as its parent answers it.

    `nameservers` is empty if the parent knows no such name. `addresses` came with the referral: pairs of a
    nameserver's name and an address. `ds` are the DS records at the parent, None if it did not answer.
    """

    zone: str
    parent: str
    nameservers: tuple[str, ...]
    addresses: tuple[tuple[str, str], ...] = ()
    ds: frozenset[str] | None = None
    glueless: tuple[str, ...] = ()
    """Nameservers whose names are in the zone itself, and whose addresses (glue) the parent does not give."""
    absent: bool = False
    """Whether the zone is above the domain, and its nameservers say that the domain does not exist."""
    unsigned: str = ""
    """The first zone above that has no DS. Signatures below it count for nothing (RFC 4035, section 4.3)."""


def find(domain: str, resolver: Resolver, *, port: int = 53) -> Delegation:
    """Find the delegation of the zone that holds the domain.

    `resolver` is asked for the root's servers, and for addresses of servers that a referral names without
    one. `port` is where the nameservers listen. Raises SyncError if the delegations cannot be followed.
    """
    here = Delegation(".", "", _nameserver_names(resolver, "."))
    for _ in range(MOST_STEPS):
        servers = locate(here, resolver).servers
        answer = _step(servers, domain, here.zone, port)
        if answer is None and here.zone == ".":
            raise SyncError(
                "the root's nameservers do not answer: check the network, and whether UDP and TCP port 53 "
                "may leave it"
            )
        if answer is None:
            return here  # it is delegated to servers that do not answer, which the caller will see
        below = _below(answer, domain, here.zone) or _child_in_denial(
            servers, answer, domain, here.zone, port
        )
        if below is None:
            if "." not in here.zone.strip("."):
                return Delegation(domain, here.zone, ())  # the registry itself says so
            return replace(here, absent=answers.from_message(answer, "NS").status == "NXDOMAIN")
        unsigned = here.unsigned or (here.zone if here.ds == frozenset() else "")
        here = replace(below, ds=_ds(servers, below.zone, port), unsigned=unsigned)
        if here.zone == domain:
            break
    return here


def locate(
    found: Delegation, resolver: Resolver, *, port: int | None = None, known: Located | None = None
) -> Located:
    """Find the addresses of the delegation's servers: in the referral, in `known`, or with the resolver.

    A resolver alone cannot prove that a nameserver has no address. So with a `port`, a nameserver that the
    resolver has no address for is looked up at its own zone's nameservers, from the root down.
    """

    def look_up(name: str) -> FoundAddresses:
        given = tuple(address for owner, address in found.addresses if owner == name)
        given = given or (known.addresses(name) if known else ())
        if given:
            return FoundAddresses(given)
        resolved = resolve_addresses(resolver, name)
        return resolved if resolved.addresses or port is None else _at_its_own_zone(resolver, name, port)

    return nameservers.locate(found.nameservers, look_up)


def _step(servers: Sequence[Server], domain: str, zone: str, port: int) -> Message | None:
    """The answer that leads on from the zone towards the domain, or that says that nothing does.

    A referral counts more than a denial, because the nameserver that denies may be behind the others. Raises
    SyncError if something else answers in place of the root's servers.
    """
    from dns.exception import DNSException

    denial: Message | None = None
    silent = denied = 0
    for server in round_robin(servers):
        if silent == MOST_SILENT or denied == MOST_SILENT:
            break
        try:
            answer = asking.exchange(server.address, domain, "NS", port=port)
        except (DNSException, OSError, EOFError):
            silent += 1
            continue
        if zone == "." and _is_intercepted(answer):
            raise SyncError(
                "something in this network answers in place of the root's nameservers (a firewall or a proxy "
                "for port 53)"
            )
        if _below(answer, domain, zone):
            return answer
        if not answers.from_message(answer, "NS").failure():
            denial, denied = denial or answer, denied + 1
    return denial


def _below(answer: Message, domain: str, zone: str) -> Delegation | None:
    """The zone nearer to the domain that the answer leads to.

    The answer is a referral, or the child's own NS if one server holds both zones. NS of the zone itself or
    of a zone above it lead nowhere: that is the answer of a server that does not hold the zone.
    """
    from dns import flags, rcode
    from dns.rdatatype import AAAA, NS, A

    if answer.rcode() != rcode.NOERROR:
        return None
    is_child = bool(answer.flags & flags.AA)
    for rrset in answer.answer if is_child else answer.authority:
        owner = answers.name_text(rrset.name)
        if rrset.rdtype != NS or not _leads_on(owner, domain, zone):
            continue
        names = tuple(sorted(answers.name_text(rdata.target) for rdata in rrset))
        addresses = tuple(
            (answers.name_text(extra.name), str(rdata.address))
            for extra in answer.additional
            if extra.rdtype in (A, AAAA) and answers.name_text(extra.name) in names
            for rdata in extra
        )
        given = {name for name, _ in addresses}
        glueless = tuple(name for name in names if is_within(name, owner) and name not in given)
        return Delegation(owner, zone, names, addresses, glueless=() if is_child else glueless)
    return None


def _leads_on(owner: str, domain: str, zone: str) -> bool:
    """Whether the owner is a zone below this one, on the way to the domain."""
    return is_within(domain, owner) and owner != zone and (zone == "." or is_within(owner, zone))


def _child_in_denial(
    servers: Sequence[Server], answer: Message, domain: str, zone: str, port: int
) -> Delegation | None:
    """The child zone whose SOA is in a denial. One server then holds both the child and its parent."""
    from dns.rdatatype import SOA

    for rrset in answer.authority:
        owner = answers.name_text(rrset.name)
        if rrset.rdtype == SOA and owner != domain and _leads_on(owner, domain, zone):
            child = _step(servers, owner, zone, port)
            return _below(child, owner, zone) if child is not None else None
    return None


def _ds(servers: Sequence[Server], zone: str, port: int) -> frozenset[str] | None:
    """The DS records that the parent's servers have for the zone; None if none of them tells."""
    from dns.exception import DNSException
    from dns.rdatatype import SOA

    for server in round_robin(servers)[: 2 * MOST_SILENT]:
        try:
            answer = asking.exchange(server.address, zone, "DS", port=port)
        except (DNSException, OSError, EOFError):
            continue
        # A server of the zone itself answers for the zone, not for its parent (RFC 4035, 3.1.4.1).
        is_from_child = any(
            rrset.rdtype == SOA and answers.name_text(rrset.name) == zone for rrset in answer.authority
        )
        said = answers.from_message(answer, "DS")
        if not said.failure() and not is_from_child and said.status == "NOERROR":
            return said.values
    return None


def _at_its_own_zone(resolver: Resolver, name: str, port: int) -> FoundAddresses:
    """A nameserver's addresses, as the nameservers of its own zone answer."""
    try:
        place = find(name, resolver, port=port)
    except SyncError as error:
        return FoundAddresses(failure=str(error))
    if not place.nameservers:
        return FoundAddresses()
    servers = locate(place, resolver).servers
    said = [ask_any(servers, name, kind, port) for kind in ADDRESS_TYPES]
    found = tuple(address for answer in said for address in sorted(answer.values))
    return FoundAddresses(found, next((answer.failure() for answer in said if answer.failure()), ""))


def _nameserver_names(resolver: Resolver, zone: str) -> tuple[str, ...]:
    from dns.exception import DNSException

    resolver.lifetime = nameservers.LOOKUP_SECONDS
    try:
        answer = resolver.resolve(zone, "NS")
    except DNSException as error:
        raise SyncError(
            f"the resolver does not answer for the root ({' '.join(str(error).split())}): check the network, "
            "or name another with --resolver"
        ) from None
    return tuple(sorted(answers.name_text(rdata.target) for rdata in answer))


def _is_intercepted(answer: Message) -> bool:
    """Whether the answer offers recursion, which no nameserver of the root does."""
    from dns import flags

    return bool(answer.flags & flags.RA)
