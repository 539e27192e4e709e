"""What was seen of a domain from outside: plain values, for ``judge_zone`` and ``judge_mail`` to judge.

None stands for what could not be seen, and for what nobody could know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dns.answers import Answer, Expected
from dns.delegation import Delegation
from dns.greeting import Greeting
from dns.served import Server

Asked = tuple[str, str]  # name, type


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """One nameserver address, or one resolver, and what it answered."""

    server: Server
    answers: Mapping[Asked, Answer]


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A mail host's name as the world resolves it, and what its addresses should be (None: not known)."""

    hostname: str
    a: Answer
    aaaa: Answer
    ipv4: frozenset[str] | None
    ipv6: frozenset[str] | None
    may_be_private: bool = False
    in_zone: bool = True

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that it resolves to."""
        return self.a.values | self.aaaa.values


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """One address of a mail host: what it answers on port 25, and its reverse DNS.

    ``pointers`` are its PTR names, each with the addresses that it resolves to; None where they could
    not be asked for. ``greeting`` is None where this machine has no route to the address.
    """

    hostname: str
    address: str
    greeting: Greeting | None
    pointers: Mapping[str, frozenset[str]] | None = field(default_factory=dict)


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
    resolvers: tuple[ServerSeen, ...] = ()
    key_ds: frozenset[str] | None = None
    """The DS of each of the zone's keys, by every digest in use; None where they could not be asked for."""
    ds_to_set: str = ""
    """The DS of the key that signs keys, as a registrar takes it."""
    hosts: tuple[HostSeen, ...] = ()
    addresses: tuple[AddressSeen, ...] = ()
    leaving: frozenset[int] = frozenset({4, 6})
    """The IP versions in which this machine can reach some port 25."""
    own_nameservers: tuple[str, ...] = ()
    """Cloudflare's nameservers for the zone, where a token told them."""
    lost: str = ""
    unread: tuple[str, ...] = ()
    """Why the own addresses of hosts could not be read."""
