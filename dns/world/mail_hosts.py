"""Looking at mail hosts: their names, what answers on port 25, and their reverse DNS."""

import ipaddress
from collections.abc import Sequence

from dns.errors import SyncError
from dns.inventory.host_addresses import Addresses, inventorys, known
from dns.inventory.mail_host import MailHost
from dns.names import is_within
from dns.world import delegation
from dns.world.answers import NOT_ASKED, Answer
from dns.world.greeting import greet
from dns.world.nameservers import Server, ask_any, has_route
from dns.world.seen import AddressSeen, HostSeen
from dns.world.served import Progress
from dns.world.vantage import From, Rows

ADDRESS = ("A", "AAAA")


def looked_up(
    host: MailHost,
    own: Addresses | None,
    where: From,
    *,
    in_zone: bool = False,
    servers: Sequence[Server] = (),
    walk: bool = True,
) -> HostSeen:
    """The host's name as the nameservers of its own zone answer it.

    ``servers`` are those of the zone that is looked at, for a host ``in_zone``. Where they delegate the
    name further, and for every other host, its zone is found from the root down. The resolver is asked
    only where that way cannot be gone, or is not to be (``walk`` False).
    """
    has = known(host, own)
    asked = tuple(servers)
    said = _ask_all(asked, host.hostname, where.port)
    if walk and (not in_zone or any(answer.referral for answer in said.values())):
        place = _zone_of(host.hostname, where)
        asked = delegation.locate(place, where.resolver, port=where.port).servers if place else ()
        said = _ask_all(asked, host.hostname, where.port)
        if place and not place.nameservers:  # the zone above says that there is none
            said = dict.fromkeys(ADDRESS, Answer(status="NXDOMAIN"))
    if all(answer == NOT_ASKED for answer in said.values()):
        said = {kind: where.resolve(host.hostname, kind) for kind in ADDRESS}
    return HostSeen(
        hostname=host.hostname,
        a=said["A"],
        aaaa=said["AAAA"],
        ipv4=frozenset(has.ipv4) if has else inventorys(host, 4),
        ipv6=frozenset(has.ipv6) if has else inventorys(host, 6),
        may_be_private=host.allow_private_address,
        in_zone=in_zone,
        servers=asked,
    )


def _ask_all(servers: Sequence[Server], name: str, port: int) -> dict[str, Answer]:
    return {kind: ask_any(servers, name, kind, port) for kind in ADDRESS}


def _zone_of(name: str, where: From) -> delegation.Delegation | None:
    try:
        return delegation.find(name, where.resolver, port=where.port)
    except SyncError:
        return None


def to_probe(host: HostSeen) -> list[str]:
    """The addresses that are the host's; where they are not known, those that its name leads to."""
    both = ((host.ipv4, host.a), (host.ipv6, host.aaaa))
    return sorted({address for own, said in both for address in (said.values if own is None else own)})


def address_seen(hostname: str, address: str, where: From, rows: Rows) -> AddressSeen:
    row = Server(f"port 25 of {hostname}", address)
    rows.set(Progress(row, 0, 1, "connecting"))
    greeting = None
    if has_route(address):
        greeting = greet(address, port=where.smtp_port, seconds=where.smtp_seconds)
    failed = "no route from here" if greeting is None else greeting.failure or str(greeting.code)
    fine = greeting is not None and greeting.code == 220
    rows.set(Progress(row, int(fine), 1, "" if fine else failed))
    return AddressSeen(hostname, address, greeting, _pointers(address, where))


def _pointers(address: str, where: From) -> dict[str, frozenset[str] | None] | None:
    """The address's PTR names, each with the addresses that it leads to (RFC 1912, 2.1)."""
    answer = where.resolve(ipaddress.ip_address(address).reverse_pointer, "PTR")
    if answer.exists is None:
        return None
    kind = "AAAA" if ":" in address else "A"
    back = {name: where.resolve(name, kind) for name in sorted(answer.values)[:5]}
    return {name: None if said.exists is None else said.values for name, said in back.items()}


def leaving(addresses: Sequence[AddressSeen], where: From) -> frozenset[int]:
    """The IP versions in which this machine reaches the port 25 of others, and nothing in their place.

    A host that greets by its own name proves it. A refusal does not: a rule of this network may have
    sent it. Nor does a greeting by another name, since a relay of the provider may have caught the
    connection. Then well-known mail hosts are asked: each of them greets by a name of its own.
    """
    proven: set[int] = set()
    in_doubt: set[int] = set()
    for seen in addresses:
        if seen.greeting is not None and seen.greeting.failure != "no route":
            version = 6 if ":" in seen.address else 4
            (proven if seen.greeting.name == seen.hostname else in_doubt).add(version)
    for version in in_doubt - proven:
        for name in where.references:
            there = sorted(where.resolve(name, "AAAA" if version == 6 else "A").values)
            if there and _greets_itself(name, there[0], where):
                proven.add(version)
                break
    return frozenset(proven)


def _greets_itself(name: str, address: str, where: From) -> bool:
    """Whether the address greets by a name of the organisation that this name belongs to."""
    greeting = greet(address, port=where.smtp_port, seconds=5.0)
    return is_within(greeting.name, ".".join(name.split(".")[-2:]))
