"""What was seen of a domain from outside: plain values, for the judges of `dns.check`.

None means that it could not be seen, or that nobody could know it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dns.inventory.host_keys import HostKeys
from dns.inventory.host_reports import HostReports
from dns.mta_sts.policy import Served
from dns.names import ip_version
from dns.world.answers import BOGUS, NOT_ASKED, Answer
from dns.world.delegation import Delegation
from dns.world.expected import Expected
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.signed import Signed

Question = tuple[str, str]  # name, type


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """One address of a nameserver, or one resolver, and what it answered."""

    server: Server
    answers: Mapping[Question, Answer]

    @property
    def answered(self) -> bool:
        """Whether any answer came that tells something."""
        return any(answer.exists is not None or answer.status == BOGUS for answer in self.answers.values())

    def answer_to(self, question: Expected) -> Answer:
        """What the server answered to the question. If it was not asked any more, why it is silent."""
        silences = (answer for answer in self.answers.values() if answer.silence)
        return self.answers.get((question.name, question.type)) or next(silences, NOT_ASKED)


def server_list(seen: Sequence[ServerSeen]) -> str:
    """The servers by name and address."""
    return ", ".join(str(one.server) for one in seen)


@dataclass(frozen=True, slots=True)
class CaaSeen:
    """The CAA records that apply to a mail host, as one nameserver of its zone answers them.

    `at` is the name that has them: the host's own, or the nearest above. It is empty if no name has any.
    """

    server: Server | None
    at: str
    answer: Answer

    @property
    def failure(self) -> str:
        """Why it is not known which records apply, in words. Empty if it is known."""
        return self.answer.failure(authoritative=False)


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A mail host's name as the world resolves it, and what its addresses should be (None: not known).

    An answer that is not authoritative came from a resolver.
    """

    hostname: str
    a: Answer
    aaaa: Answer
    ipv4: frozenset[str] | None
    ipv6: frozenset[str] | None
    may_be_private: bool = False
    in_zone: bool = True
    servers: tuple[Server, ...] = ()
    """The nameservers of its own zone, if the answers are theirs."""
    tlsa: tuple[Answer, ...] = ()
    """What nameservers of its zone answer for its TLSA. Empty if none could be asked."""
    signed: Signed | None = None
    """Whether its zone is signed. None if it has no TLSA, and nobody asks for any."""
    dane: bool = False
    """Whether a domain of its zone asks for DANE, so that its TLSA are ours."""
    keys: HostKeys | None = None
    """What the host answered about its keys. None if it was not asked."""
    authority: str = ""
    """The authority that its certificate is wanted from, as the inventory has it. Empty if self-signed."""
    binds: bool = False
    """Whether a domain of its zone asks for CAA at its name, so that those with an account are ours."""
    caa: tuple[CaaSeen, ...] = ()
    """The CAA that apply to it. Empty if nobody was asked, or nobody could be."""

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that the name resolves to."""
        return self.a.values | self.aaaa.values


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """One address of a mail host: what answers on port 25, and the reverse DNS.

    `pointers` are the names in its PTR records, each with the addresses that the name resolves to, or None
    if these could not be looked up. `pointers` itself is None if the names could not. `greeting` is None if
    this machine has no route to the address.
    """

    hostname: str
    address: str
    greeting: Greeting | None
    pointers: Mapping[str, frozenset[str] | None] | None = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The IP version of the address."""
        return ip_version(self.address)

    @property
    def reverse_is_known(self) -> bool:
        """Whether every lookup of the reverse DNS was answered, or one name leads back to the address."""
        if self.pointers is None:
            return False
        found = self.pointers.values()
        return all(one is not None for one in found) or any(self.address in (one or ()) for one in found)


@dataclass(frozen=True, slots=True)
class PolicySeen:
    """What senders are told of the domain's MTA-STS policy (RFC 8461), and what they get."""

    wanted: str = ""
    """The mode that the inventory asks for. Empty if it asks for none, and the policy is somebody else's."""
    told: tuple[tuple[Server, Answer], ...] = ()
    """What each nameserver address answers for the TXT at `_mta-sts`."""
    served: Served = field(default_factory=Served)
    reports: Answer = NOT_ASKED
    """What a nameserver answers for the TXT at `_smtp._tls` (RFC 8460)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was seen of one domain."""

    domain: str
    zone: str
    delegation: Delegation | None
    """None if the delegations from the root down could not be followed. `lost` says why."""
    expected: tuple[Expected, ...]
    servers: tuple[ServerSeen, ...]
    without_route: tuple[Server, ...] = ()
    without_address: tuple[str, ...] = ()
    unlocated: tuple[tuple[str, str], ...] = ()
    """Nameservers whose addresses could not be looked up, each with the reason."""
    resolvers: tuple[ServerSeen, ...] = ()
    key_ds: frozenset[str] | None = None
    """The DS of each of the zone's keys, by every digest in use; None if the keys could not be read."""
    ds_to_set: str = ""
    """The DS of the key that signs keys, as a registrar takes it."""
    hosts: tuple[HostSeen, ...] = ()
    addresses: tuple[AddressSeen, ...] = ()
    outbound_25: frozenset[int] = frozenset({4, 6})
    """The IP versions over which this machine reaches port 25 of other hosts themselves."""
    own_nameservers: tuple[str, ...] = ()
    """The nameservers that Cloudflare gave the zone, if a token could read them."""
    lost: str = ""
    unread: tuple[str, ...] = ()
    """For each host whose own addresses could not be read, the reason."""
    dane: bool = False
    """Whether the domain asks for DANE."""
    signed: Signed | None = None
    """Whether its zone is signed. None if the zone could not be found."""
    policy: PolicySeen | None = None
    """Its MTA-STS policy. None if the inventory asks for none, and nobody else publishes one."""
    tls_reports: Mapping[str, HostReports] = field(default_factory=dict)
    """What senders report of TLS, as each host has it. Empty if the hosts were not asked."""
    expired: frozenset[str] = frozenset()
    """Addresses of resolvers that still give an old answer although its TTL has passed."""
