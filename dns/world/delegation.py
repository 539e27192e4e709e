"""Who answers for a domain: the way down from the root, as any resolver goes it (RFC 1034, 5.3.3).

Every step asks a zone's own servers, without recursion, and follows the referral that they give; so
what is found is what the parent says, not what a cache or the zone itself does. A server that does not
answer for its zone (lame, refusing, or sending the asker back up) is passed over for the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dns.errors import SyncError
from dns.names import is_within
from dns.world import answers
from dns.world.nameservers import TRIED, Located, Looked, Server, addresses_by, ask_any, in_turn, sorted_out

if TYPE_CHECKING:
    from dns.message import Message
    from dns.resolver import Resolver

__all__ = ["Delegation", "Located", "find", "locate"]

LONGEST_WAY = 12


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
    glueless: tuple[str, ...] = ()
    """Nameservers named in the zone itself whose addresses the parent should give, and does not."""
    absent: bool = False
    """Whether the zone is above the domain, and its own nameservers say that there is no such name."""


def find(domain: str, resolver: "Resolver", *, port: int = 53) -> Delegation:
    """The delegation of the zone that holds the domain.

    ``resolver`` tells where the root's servers are, and what addresses the servers named on the way
    have; ``port`` is where they listen. Raises SyncError where the way cannot be gone.
    """
    here = Delegation(".", "", _names(resolver, "."))
    for _ in range(LONGEST_WAY):
        asking = locate(here, resolver).servers
        answer = _step(asking, domain, here.zone, port)
        if answer is None and here.zone == ".":
            raise SyncError(
                "the root's nameservers do not answer: see the network, and whether UDP and TCP port 53 "
                "may leave it"
            )
        if answer is None:
            return here  # it is delegated, to servers that do not answer: that is for the caller to see
        below = _below(answer, domain, here.zone) or _of_the_child(asking, answer, domain, here.zone, port)
        if below is None:
            if "." not in here.zone.strip("."):
                return Delegation(domain, here.zone, ())  # the registry itself says so
            return replace(here, absent=answers.read(answer, "NS").status == "NXDOMAIN")
        here = replace(below, ds=_ds(asking, below.zone, port))
        if here.zone == domain:
            break
    return here


def _step(servers: Sequence[Server], domain: str, zone: str, port: int) -> "Message | None":
    """The answer that leads on from the zone towards the domain, or says that nothing does.

    A nameserver may be behind the others, so a referral counts for more than a denial. Raises
    SyncError where something else answers in place of the root's servers.
    """
    from dns.exception import DNSException

    denial: Message | None = None
    silent = denied = 0
    for server in in_turn(servers):
        if silent == TRIED or denied == TRIED:
            break
        try:
            answer = answers.exchange(server.address, domain, "NS", port=port)
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
        if not answers.read(answer, "NS").failure():
            denial, denied = denial or answer, denied + 1
    return denial


def _below(answer: "Message", domain: str, zone: str) -> Delegation | None:
    """The zone nearer to the domain that the answer leads to.

    That is a referral; or the child's own NS, where one server holds both zones. NS of the zone itself
    or of one above it lead nowhere: so answers a server that does not hold the zone.
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
    """Whether a zone is on the way from this one to the domain."""
    return is_within(domain, owner) and owner != zone and (zone == "." or is_within(owner, zone))


def _of_the_child(
    servers: Sequence[Server], answer: "Message", domain: str, zone: str, port: int
) -> Delegation | None:
    """The child zone that the SOA of a denial names, where one server holds it beside its parent."""
    from dns.rdatatype import SOA

    for rrset in answer.authority:
        owner = answers.name_text(rrset.name)
        if rrset.rdtype == SOA and owner != domain and _leads_on(owner, domain, zone):
            child = _step(servers, owner, zone, port)
            return _below(child, owner, zone) if child is not None else None
    return None


def _ds(servers: Sequence[Server], zone: str, port: int) -> frozenset[str] | None:
    """The DS records that the parent's servers have for the zone; None where none of them says."""
    from dns.exception import DNSException
    from dns.rdatatype import SOA

    for server in in_turn(servers)[: 2 * TRIED]:
        try:
            answer = answers.exchange(server.address, zone, "DS", port=port)
        except (DNSException, OSError, EOFError):
            continue
        # The zone's own server answers for the zone, not for its parent (RFC 4035, 3.1.4.1).
        is_childs = any(
            rrset.rdtype == SOA and answers.name_text(rrset.name) == zone for rrset in answer.authority
        )
        said = answers.read(answer, "DS")
        if not said.failure() and not is_childs and said.status == "NOERROR":
            return said.values
    return None


def locate(found: Delegation, resolver: "Resolver", *, port: int | None = None) -> Located:
    """Where the delegation's servers are: the referral's own addresses, else those the resolver knows.

    With a ``port``, what the resolver does not know is asked of the nameserver's own zone, from the root
    down: a resolver's word is not enough to say that a nameserver has no address.
    """

    def addresses(name: str) -> Looked:
        given = tuple(address for owner, address in found.addresses if owner == name)
        known = (given, "") if given else addresses_by(resolver, name)
        return known if known[0] or port is None else _by_its_own_zone(resolver, name, port)

    return sorted_out((name, addresses(name)) for name in found.nameservers)


def _by_its_own_zone(resolver: "Resolver", name: str, port: int) -> Looked:
    """A nameserver's addresses by the word of the nameservers of its own zone."""
    try:
        place = find(name, resolver, port=port)
    except SyncError as error:
        return (), str(error)
    if not place.nameservers:
        return (), ""
    servers = locate(place, resolver).servers
    said = [ask_any(servers, name, kind, port) for kind in ("A", "AAAA")]
    found = tuple(address for answer in said for address in sorted(answer.values))
    return found, next((answer.failure() for answer in said if answer.failure()), "")


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
    return tuple(sorted(answers.name_text(rdata.target) for rdata in answer))


def _is_intercepted(answer: "Message") -> bool:
    """Whether the answer offers recursion, as no nameserver of the root does."""
    from dns import flags

    return bool(answer.flags & flags.RA)
