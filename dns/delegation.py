"""Who answers for a domain: the way down from the root, as any resolver goes it (RFC 1034, 5.3.3).

Every step asks a zone's own servers, without recursion, and follows the referral that they give; so
what is found is what the parent says, not what a cache or the zone itself does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dns import answers
from dns.errors import SyncError
from dns.served import Server, has_route

if TYPE_CHECKING:
    from dns.message import Message
    from dns.resolver import Resolver

LONGEST_WAY = 12
TRIED = 4  # servers of a zone that are asked before it counts as silent


@dataclass(frozen=True, slots=True)
class Delegation:
    """A zone's delegation, as its parent has it.

    ``nameservers`` is empty where the parent knows no such name. ``addresses`` are the ones that
    came with the referral, by name. ``ds`` are the parent's DS records, None where it did not say.
    """

    zone: str
    parent: str
    nameservers: tuple[str, ...]
    addresses: tuple[tuple[str, str], ...] = ()
    ds: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """The addresses of nameservers: those to ask, those this machine has no route to, and nameless ones."""

    servers: tuple[Server, ...]
    without_route: tuple[Server, ...] = ()
    without_address: tuple[str, ...] = field(default=())


def find(domain: str, resolver: "Resolver", *, port: int = 53) -> Delegation:
    """The delegation of the zone that holds the domain.

    ``resolver`` tells where the root's servers are, and what addresses the servers named on the way
    have; ``port`` is where they listen. Raises SyncError where the way cannot be gone.
    """
    here = Delegation(".", "", _names(resolver, "."))
    asking = locate(here, resolver).servers
    for _ in range(LONGEST_WAY):
        answer = _first(asking, domain, "NS", port)
        if answer is None:
            if here.zone == ".":
                raise SyncError(
                    "the root's nameservers do not answer: see the network, and whether UDP and TCP port 53 "
                    "may leave it"
                )
            break  # it is delegated, to servers that are silent: that is for the caller to see
        if here.zone == "." and _is_intercepted(answer):
            raise SyncError(
                "something in this network answers in place of the root's nameservers (a firewall or a proxy "
                "for port 53)"
            )
        below = _below(answer, domain, here.zone)
        if below is None:
            if _is_absent(answer) and "." not in here.zone:
                # The registry itself says that there is no such name.
                return Delegation(domain, here.zone, ())
            break
        names, addresses = below[1], below[2]
        ds = _first(asking, below[0], "DS", port)
        known = answers.read(ds, "DS").values if ds is not None else None
        here = Delegation(below[0], here.zone, names, addresses, known)
        if here.zone == domain:
            break
        asking = locate(here, resolver).servers
    return here


def locate(found: Delegation, resolver: "Resolver") -> Located:
    """Where the delegation's servers are: the referral's own addresses, else those the resolver knows."""
    servers: list[Server] = []
    unrouted: list[Server] = []
    lost: list[str] = []
    for name in found.nameservers:
        addresses = [address for owner, address in found.addresses if owner == name]
        told = addresses or _addresses(resolver, name)
        if told == []:
            lost.append(name)
        addresses = told or []
        for address in addresses:
            (servers if has_route(address) else unrouted).append(Server(name, address))
    return Located(tuple(servers), tuple(unrouted), tuple(lost))


def _names(resolver: "Resolver", zone: str) -> tuple[str, ...]:
    from dns.exception import DNSException

    resolver.lifetime = 5.0
    try:
        answer = resolver.resolve(zone, "NS")
    except DNSException as error:
        raise SyncError(
            f"the resolver does not answer for the root ({' '.join(str(error).split())}): see the network, "
            "or name another with --resolver"
        ) from None
    return tuple(sorted(rdata.target.to_text(omit_final_dot=True).lower() for rdata in answer))


def _addresses(resolver: "Resolver", name: str) -> list[str] | None:
    """The addresses that the resolver knows; None where there may be others that it could not say."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN

    resolver.lifetime = 5.0
    found: list[str] = []
    failed = False
    for kind in ("A", "AAAA"):
        try:
            answer = resolver.resolve(name + ".", kind, raise_on_no_answer=False)
        except NXDOMAIN:
            continue
        except DNSException:
            failed = True
            continue
        found += [str(rdata.address) for rdata in answer.rrset or ()]
    return None if failed and not found else found


def _first(servers: Sequence[Server], name: str, kind: str, port: int) -> "Message | None":
    """The first usable answer of one of the servers, both families among them."""
    from dns import rcode
    from dns.exception import DNSException

    for server in _mixed(servers)[:TRIED]:
        try:
            answer = answers.exchange(server.address, name, kind, port=port)
        except (DNSException, OSError, EOFError):
            continue
        if answer.rcode() in (rcode.NOERROR, rcode.NXDOMAIN):
            return answer
    return None


def _mixed(servers: Iterable[Server]) -> list[Server]:
    """One address of each server first, so that one machine that is down does not take all the tries."""
    seen: set[str] = set()
    first: list[Server] = []
    rest: list[Server] = []
    for server in servers:
        (rest if server.name in seen else first).append(server)
        seen.add(server.name)
    return first + rest


def _below(
    answer: "Message", domain: str, zone: str
) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]] | None:
    """The zone nearer to the domain that the answer leads to: its name, its servers, their addresses.

    That is a referral; or the child's own NS, where one server holds both zones.
    """
    from dns.name import from_text
    from dns.rdatatype import NS, A

    wanted, here = from_text(domain), from_text(zone)
    for rrset in (*answer.authority, *answer.answer):
        if rrset.rdtype == NS and wanted.is_subdomain(rrset.name) and rrset.name != here:
            names = tuple(sorted(rdata.target.to_text(omit_final_dot=True).lower() for rdata in rrset))
            addresses = tuple(
                (extra.name.to_text(omit_final_dot=True).lower(), str(rdata.address))
                for extra in answer.additional
                if extra.rdtype == A or extra.rdtype.name == "AAAA"
                for rdata in extra
            )
            return rrset.name.to_text(omit_final_dot=True).lower(), names, addresses
    return None


def _is_intercepted(answer: "Message") -> bool:
    """Whether the answer offers recursion, as no nameserver of the root does."""
    from dns import flags

    return bool(answer.flags & flags.RA)


def _is_absent(answer: "Message") -> bool:
    from dns import flags, rcode

    return answer.rcode() == rcode.NXDOMAIN and bool(answer.flags & flags.AA)
