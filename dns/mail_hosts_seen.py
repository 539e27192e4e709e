"""Looking at mail hosts: their names, what answers on port 25, and their reverse DNS."""

import ipaddress
from collections.abc import Sequence

from dns import answers
from dns.answers import Answer
from dns.greeting import greet
from dns.host_addresses import Addresses, inventorys, known
from dns.mail_host import MailHost
from dns.seen import AddressSeen, HostSeen
from dns.served import Progress, Server, has_route
from dns.vantage import From, Rows


def looked_up(
    host: MailHost, own: Addresses | None, where: From, *, servers: Sequence[Server] = ()
) -> HostSeen:
    """The host's name as the servers of its zone answer it; without these, as the resolver does.

    It counts as in the zone where servers are given.
    """
    has = known(host, own)

    def answer(kind: str) -> Answer:
        for server in servers[:3]:
            said = answers.ask(server.address, host.hostname, kind, port=where.port)
            if said.exists is not None and said.authoritative:
                return said
        return where.resolve(host.hostname, kind)

    return HostSeen(
        hostname=host.hostname,
        a=answer("A"),
        aaaa=answer("AAAA"),
        ipv4=frozenset(has.ipv4) if has else inventorys(host, 4),
        ipv6=frozenset(has.ipv6) if has else inventorys(host, 6),
        may_be_private=host.allow_private_address,
        in_zone=bool(servers),
    )


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


def _pointers(address: str, where: From) -> dict[str, frozenset[str]] | None:
    """The address's PTR names, each with the addresses that it leads to (RFC 1912, 2.1)."""
    answer = where.resolve(ipaddress.ip_address(address).reverse_pointer, "PTR")
    if answer.exists is None:
        return None
    kind = "AAAA" if ":" in address else "A"
    return {name: where.resolve(name, kind).values for name in sorted(answer.values)[:5]}


def leaving(addresses: Sequence[AddressSeen], where: From) -> frozenset[int]:
    """The IP versions in which some port 25 can be reached from here; asked of others only if it matters."""
    reached: set[int] = set()
    in_doubt: set[int] = set()
    for seen in addresses:
        version = 6 if ":" in seen.address else 4
        if seen.greeting is not None:
            # A refusal has come back, so the way there is open.
            (in_doubt if seen.greeting.failure in ("timeout", "unreachable") else reached).add(version)
    for version in in_doubt - reached:
        for name in where.references:
            there = sorted(where.resolve(name, "AAAA" if version == 6 else "A").values)
            if there and not greet(there[0], port=where.smtp_port, seconds=5.0).failure:
                reached.add(version)
                break
    return frozenset(reached)
