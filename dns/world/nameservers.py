"""Where the nameservers of a zone are, and asking them in turn until one answers for the zone."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dns.errors import SyncError
from dns.names import ip_version
from dns.records import ADDRESS_TYPES
from dns.world import asking
from dns.world.answers import NOT_ASKED, Answer

if TYPE_CHECKING:
    from dns.resolver import Resolver

MOST_SILENT = 4  # after so many silent servers the zone counts as silent
LOOKUP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """One address of one nameserver."""

    name: str
    address: str

    @property
    def version(self) -> int:
        """The IP version of the address: 4 or 6."""
        return ip_version(self.address)

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


class FoundAddresses(NamedTuple):
    """The addresses found for a name. `failure` says why there may be more. It is empty if there are not."""

    addresses: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """Where nameservers are.

    `without_route` are addresses that this machine cannot send to. `without_address` are names that have no
    address. `unlocated` are names whose addresses could not be looked up, each with the reason.
    """

    servers: tuple[Server, ...]
    without_route: tuple[Server, ...] = ()
    without_address: tuple[str, ...] = ()
    unlocated: tuple[tuple[str, str], ...] = ()

    def addresses(self, name: str) -> tuple[str, ...]:
        """All addresses that were found for the nameserver of this name."""
        return tuple(one.address for one in (*self.servers, *self.without_route) if one.name == name)


def locate(names: Iterable[str], look_up: Callable[[str], FoundAddresses]) -> Located:
    """Look up every nameserver, and sort their addresses by whether this machine can send to them."""
    servers: list[Server] = []
    without_route: list[Server] = []
    without_address: list[str] = []
    unlocated: list[tuple[str, str]] = []
    for name in names:
        addresses, failure = look_up(name)
        for address in addresses:
            (servers if has_route(address) else without_route).append(Server(name, address))
        if not addresses and failure:
            unlocated.append((name, failure))
        elif not addresses:
            without_address.append(name)
    return Located(tuple(servers), tuple(without_route), tuple(without_address), tuple(unlocated))


def locate_all(names: Sequence[str], resolver: Resolver) -> Located:
    """Look up every nameserver with the resolver. Raises SyncError if one cannot be looked up, or none asked.

    A nameserver that is left out could answer anything, so no run goes on without it.
    """
    located = locate(names, lambda name: resolve_addresses(resolver, name))
    if located.servers and not located.unlocated:
        return located
    lost = dict(located.unlocated)
    nowhere = next(iter(located.without_address), None)
    reason = f"{nowhere} has no address" if nowhere else "this machine has no route to any of their addresses"
    raise SyncError(
        f"the zone's nameservers ({', '.join(lost or names)}) cannot be asked "
        f"({next(iter(lost.values()), reason)}): check the network, or name a resolver with --resolver"
    )


def resolve_addresses(resolver: Resolver, name: str) -> FoundAddresses:
    """The addresses that the resolver knows for the name."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN

    resolver.lifetime = LOOKUP_SECONDS
    found: list[str] = []
    failure = ""
    for kind in ADDRESS_TYPES:
        try:
            answer = resolver.resolve(name + ".", kind, raise_on_no_answer=False)
        except NXDOMAIN:
            continue
        except DNSException as error:
            failure = " ".join(str(error).split()) or type(error).__name__
            continue
        found += [str(rdata.address) for rdata in answer.rrset or ()]
    return FoundAddresses(tuple(found), failure)


def has_route(address: str) -> bool:
    """Whether this machine has a route to the address. Nothing is sent."""
    family = socket.AF_INET6 if ip_version(address) == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True


def ask_any(servers: Sequence[Server], name: str, kind: str, port: int) -> Answer:
    """The first authoritative answer of one of a zone's servers. If there is none, the last answer.

    `NOT_ASKED` if there is no server.
    """
    answer = NOT_ASKED
    silent = 0
    for server in round_robin(servers):
        answer = asking.ask(server.address, name, kind, port=port)
        silent += bool(answer.silence)
        if not answer.failure() or silent == MOST_SILENT:
            break
    return answer


def round_robin(servers: Iterable[Server]) -> list[Server]:
    """One address of each server first, so that one machine that is down does not use up all tries."""
    names: set[str] = set()
    first: list[Server] = []
    rest: list[Server] = []
    for server in servers:
        (rest if server.name in names else first).append(server)
        names.add(server.name)
    return first + rest
