"""Where the nameservers of a zone are, and asking them in turn until one answers for the zone."""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns.world import answers
from dns.world.answers import NOT_ASKED, Answer

if TYPE_CHECKING:
    from dns.resolver import Resolver

TRIED = 4  # servers of a zone that may be silent before the zone counts as silent
LOOKUP_SECONDS = 5.0

Looked = tuple[tuple[str, ...], str]  # addresses, and why there may be more; empty where there are none


@dataclass(frozen=True, slots=True)
class Server:
    """One address of one nameserver."""

    name: str
    address: str

    @property
    def version(self) -> int:
        """The IP version of the address: 4 or 6."""
        return 6 if ":" in self.address else 4


@dataclass(frozen=True, slots=True)
class Located:
    """Where nameservers are, and where that is not known.

    ``without_address`` are names that have none. ``unlocated`` are names whose addresses could not be
    looked up, each with the reason.
    """

    servers: tuple[Server, ...]
    without_route: tuple[Server, ...] = ()
    without_address: tuple[str, ...] = ()
    unlocated: tuple[tuple[str, str], ...] = ()


def sorted_out(looked: Iterable[tuple[str, Looked]]) -> Located:
    """The nameservers by what can be done with them. Nothing is sent."""
    servers: list[Server] = []
    unrouted: list[Server] = []
    absent: list[str] = []
    unlocated: list[tuple[str, str]] = []
    for name, (addresses, reason) in looked:
        for address in addresses:
            (servers if has_route(address) else unrouted).append(Server(name, address))
        if not addresses and reason:
            unlocated.append((name, reason))
        elif not addresses:
            absent.append(name)
    return Located(tuple(servers), tuple(unrouted), tuple(absent), tuple(unlocated))


def addresses_by(resolver: "Resolver", name: str) -> Looked:
    """The addresses that the resolver knows for the name."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN

    resolver.lifetime = LOOKUP_SECONDS
    found: list[str] = []
    reason = ""
    for kind in ("A", "AAAA"):
        try:
            answer = resolver.resolve(name + ".", kind, raise_on_no_answer=False)
        except NXDOMAIN:
            continue
        except DNSException as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            continue
        found += [str(rdata.address) for rdata in answer.rrset or ()]
    return tuple(found), reason


def has_route(address: str) -> bool:
    """Whether this machine has a route to the address. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True


def ask_any(servers: Sequence[Server], name: str, kind: str, port: int) -> Answer:
    """The first authoritative answer of one of a zone's servers; else the last that did not count.

    ``NOT_ASKED`` where there is no server.
    """
    answer = NOT_ASKED
    silent = 0
    for server in in_turn(servers):
        answer = answers.ask(server.address, name, kind, port=port)
        silent += bool(answer.silence)
        if not answer.failure() or silent == TRIED:
            break
    return answer


def in_turn(servers: Iterable[Server]) -> list[Server]:
    """One address of each server first, so that one machine that is down does not take all the tries."""
    seen: set[str] = set()
    first: list[Server] = []
    rest: list[Server] = []
    for server in servers:
        (rest if server.name in seen else first).append(server)
        seen.add(server.name)
    return first + rest
