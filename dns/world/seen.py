"""What was seen of a domain from outside: plain values, for ``judge_zone`` and ``judge_mail`` to judge.

None stands for what could not be seen, and for what nobody could know.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dns.world.answers import BOGUS, Answer, Expected
from dns.world.delegation import Delegation
from dns.world.greeting import Greeting
from dns.world.nameservers import Server

Asked = tuple[str, str]  # name, type


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """One nameserver address, or one resolver, and what it answered."""

    server: Server
    answers: Mapping[Asked, Answer]

    @property
    def answered(self) -> bool:
        """Whether any answer came that says something."""
        return any(said.exists is not None or said.status == BOGUS for said in self.answers.values())


def places(who: Iterable[ServerSeen]) -> str:
    """The servers by name and address."""
    return ", ".join(f"{one.server.name} ({one.server.address})" for one in who)


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A mail host's name as the world resolves it, and what its addresses should be (None: not known).

    An answer that is not authoritative is a resolver's.
    """

    hostname: str
    a: Answer
    aaaa: Answer
    ipv4: frozenset[str] | None
    ipv6: frozenset[str] | None
    may_be_private: bool = False
    in_zone: bool = True
    servers: tuple[Server, ...] = ()
    """The nameservers of its own zone, where the answers are theirs."""

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that it resolves to."""
        return self.a.values | self.aaaa.values


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """One address of a mail host: what it answers on port 25, and its reverse DNS.

    ``pointers`` are its PTR names, each with the addresses that it resolves to, or None where these
    could not be looked up; None where the names could not. ``greeting`` is None where this machine has
    no route to the address.
    """

    hostname: str
    address: str
    greeting: Greeting | None
    pointers: Mapping[str, frozenset[str] | None] | None = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The IP version of the address."""
        return Server(self.hostname, self.address).version

    @property
    def reverse_is_known(self) -> bool:
        """Whether all that was looked up of its reverse DNS was answered, or one name leads back to it."""
        if self.pointers is None:
            return False
        found = self.pointers.values()
        return all(one is not None for one in found) or any(self.address in (one or ()) for one in found)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was seen of one domain."""

    domain: str
    zone: str
    delegation: Delegation | None
    """None where the way from the root could not be gone; ``lost`` says why."""
    expected: tuple[Expected, ...]
    servers: tuple[ServerSeen, ...]
    without_route: tuple[Server, ...] = ()
    without_address: tuple[str, ...] = ()
    unlocated: tuple[tuple[str, str], ...] = ()
    """Nameservers whose addresses could not be looked up, each with the reason."""
    resolvers: tuple[ServerSeen, ...] = ()
    key_ds: frozenset[str] | None = None
    """The DS of each of the zone's keys, by every digest in use; None where they could not be asked for."""
    ds_to_set: str = ""
    """The DS of the key that signs keys, as a registrar takes it."""
    hosts: tuple[HostSeen, ...] = ()
    addresses: tuple[AddressSeen, ...] = ()
    leaving: frozenset[int] = frozenset({4, 6})
    """The IP versions in which this machine reaches the port 25 of others, and not something in between."""
    own_nameservers: tuple[str, ...] = ()
    """Cloudflare's nameservers for the zone, where a token told them."""
    lost: str = ""
    unread: tuple[str, ...] = ()
    """Why the own addresses of hosts could not be read."""
    outlived: frozenset[str] = frozenset()
    """Addresses of resolvers that go on answering otherwise when no cache could keep that any more."""
