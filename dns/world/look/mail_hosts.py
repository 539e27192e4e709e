"""Looking at mail hosts: their names, port 25 of their addresses, and the reverse DNS."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace

from dns import tlsa
from dns.errors import SyncError
from dns.inventory import MailHost
from dns.inventory.host_addresses import Addresses, in_inventory, published_if_known
from dns.inventory.host_keys import HostKeys
from dns.names import ip_version
from dns.records import ADDRESS_TYPES, address_type
from dns.world import delegation
from dns.world.answers import NOT_ASKED, Answer
from dns.world.greeting import READY, REFERENCE_SECONDS, greet
from dns.world.nameservers import Server, ask_any, has_route
from dns.world.progress import Progress, ProgressBoard
from dns.world.seen import AddressSeen, HostSeen
from dns.world.signed import Signed, look_around
from dns.world.vantage import VantagePoint


def look_up_host(
    host: MailHost,
    own: Addresses | None,
    vantage: VantagePoint,
    *,
    in_zone: bool = False,
    servers: Sequence[Server] = (),
    from_root: bool = True,
) -> HostSeen:
    """Look up the host's name at the nameservers of its own zone.

    `own` are the addresses that the host itself has. If the host is `in_zone`, `servers` are the nameservers
    of that zone. If they delegate the name further, and for every other host, the host's zone is found from
    the root down. The resolver is asked only if that is not possible, or not wanted (`from_root` False).
    """
    has = published_if_known(host, own)
    asked = tuple(servers)
    said = _ask_all(asked, host.hostname, vantage.port)
    if from_root and (not in_zone or any(answer.referral for answer in said.values())):
        place = _zone_of(host.hostname, vantage)
        asked = delegation.locate(place, vantage.resolver, port=vantage.port).servers if place else ()
        said = _ask_all(asked, host.hostname, vantage.port)
        if place and not place.nameservers:  # the zone above says that the name does not exist
            said = dict.fromkeys(ADDRESS_TYPES, Answer(status="NXDOMAIN"))
    if all(answer == NOT_ASKED for answer in said.values()):
        said = {kind: vantage.resolve(host.hostname, kind) for kind in ADDRESS_TYPES}
    return HostSeen(
        hostname=host.hostname,
        a=said["A"],
        aaaa=said["AAAA"],
        ipv4=frozenset(has.ipv4) if has else in_inventory(host, 4),
        ipv6=frozenset(has.ipv6) if has else in_inventory(host, 6),
        may_be_private=host.allow_private_address,
        in_zone=in_zone,
        servers=asked,
    )


def with_keys(
    seen: HostSeen, vantage: VantagePoint, *, dane: bool, keys: HostKeys | None, zone: Signed | None
) -> HostSeen:
    """The same host with its TLSA, and whether its zone is signed. `zone` is that of the domain.

    Every nameserver of its zone is asked if a domain asks for DANE, else the first that answers.
    """
    if all(answer.silence for answer in (seen.a, seen.aaaa)) or not seen.servers:
        return replace(seen, dane=dane, keys=keys)  # it would be as silent now
    name = tlsa.name_of(seen.hostname)
    servers = [(server,) for server in seen.servers] if dane else [seen.servers]
    said = tuple(ask_any(each, name, tlsa.TYPE, vantage.port) for each in servers)
    signed = zone if seen.in_zone else None
    if signed is None and (dane or any(answer.values for answer in said)):
        signed = look_around(seen.hostname, vantage)
    return replace(seen, tlsa=said, signed=signed, dane=dane, keys=keys)


def _ask_all(servers: Sequence[Server], name: str, port: int) -> dict[str, Answer]:
    return {kind: ask_any(servers, name, kind, port) for kind in ADDRESS_TYPES}


def _zone_of(name: str, vantage: VantagePoint) -> delegation.Delegation | None:
    try:
        return delegation.find(name, vantage.resolver, port=vantage.port)
    except SyncError:
        return None


def addresses_to_probe(host: HostSeen) -> list[str]:
    """The host's own addresses. If these are not known, the addresses that its name leads to."""
    both = ((host.ipv4, host.a), (host.ipv6, host.aaaa))
    return sorted({address for own, said in both for address in (said.values if own is None else own)})


def look_at_address(hostname: str, address: str, vantage: VantagePoint, board: ProgressBoard) -> AddressSeen:
    """Connect to port 25 of the address, and look up its reverse DNS."""
    row = Server(f"port 25 of {hostname}", address)
    board.set(Progress(row, 0, 1, "connecting"))
    greeting = None
    if has_route(address):
        greeting = greet(address, port=vantage.smtp_port, seconds=vantage.smtp_seconds)
    fine = greeting is not None and greeting.code == READY
    problem = "no route from here" if greeting is None else greeting.failure or str(greeting.code)
    board.set(Progress(row, int(fine), 1, "" if fine else problem))
    return AddressSeen(hostname, address, greeting, _pointers(address, vantage))


def _pointers(address: str, vantage: VantagePoint) -> dict[str, frozenset[str] | None] | None:
    """The names in the address's PTR records, each with the addresses that it leads to (RFC 1912, 2.1)."""
    answer = vantage.resolve(ipaddress.ip_address(address).reverse_pointer, "PTR")
    if answer.exists is None:
        return None
    kind = address_type(address)
    back = {name: vantage.resolve(name, kind) for name in sorted(answer.values)[:5]}
    return {name: None if said.exists is None else said.values for name, said in back.items()}


def outbound_25(addresses: Sequence[AddressSeen], vantage: VantagePoint) -> frozenset[int]:
    """The IP versions over which this machine reaches port 25 of other hosts, and nothing in their place.

    A host that greets by its own name proves it. A refusal proves nothing, because a rule of this network may
    have sent it. A greeting by another name proves nothing, because a relay of the provider may have caught
    the connection. If nothing proves it, well-known mail hosts are asked: each greets by a name of its own.
    """
    proven: set[int] = set()
    in_doubt: set[int] = set()
    for seen in addresses:
        if seen.greeting is not None and seen.greeting.failure != "no route":
            (proven if seen.greeting.name == seen.hostname else in_doubt).add(ip_version(seen.address))
    for version in in_doubt - proven:
        for name in vantage.references:
            there = sorted(vantage.resolve(name, "AAAA" if version == 6 else "A").values)
            if there and _greets_itself(name, there[0], vantage):
                proven.add(version)
                break
    return frozenset(proven)


def _greets_itself(name: str, address: str, vantage: VantagePoint) -> bool:
    greeting = greet(address, port=vantage.smtp_port, seconds=REFERENCE_SECONDS)
    return greeting.is_by_organisation_of(name)
