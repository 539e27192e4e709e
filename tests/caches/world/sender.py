"""A sender, as in RFC 5321 (section 5.1): MX by preference, their addresses, the reply to RCPT.

It does DANE (RFC 7672): it delivers to a host that has TLSA records only if one of them names the key. To the
other hosts it delivers as the policy of the domain says (MTA-STS, RFC 8461), if it keeps policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import sha256

from dns import tlsa
from dns.inventory.host_keys import HostKeys
from receiver.addresses import parse_address
from receiver.config.values import Config
from receiver.recipients import Directory, UnknownRecipient
from tests.caches.world.certificate import FAR, Certificate
from tests.caches.world.policies import Kept, Policies
from tests.caches.world.resolver import Resolver


class Outcome(Enum):
    """What became of a message."""

    DELIVERED = "delivered"
    UNVERIFIED = "the key that is served is not one of the TLSA records: the sender tries again"
    UNLISTED = "the policy does not list the mail host: the sender tries again"
    UNTRUSTED = "the policy asks for a certificate that can be trusted: the sender tries again"
    DEFERRED = "nobody listens there: the sender tries again"
    NO_HOST = "no address for any mail host: returned to its author"
    REFUSED = "550: returned to its author"


@dataclass(slots=True)
class Machine:
    """A machine at its addresses. It listens if it has a configuration and runs."""

    addresses: frozenset[str]
    config: Config | None = None
    toml: str = ""
    running: bool = True
    keys: list[str] = field(default_factory=list)
    """The digests of its keys, oldest first. The last is the next one, and the one before is served."""
    certificate: Certificate | None = None
    """What it serves. None is one that it has made itself."""

    @property
    def held(self) -> HostKeys:
        """What it answers about its keys and its certificate."""
        if not self.keys:
            return HostKeys()
        chain = (
            self.certificate.chain
            if self.certificate
            else Certificate("itself", FAR, of_authority=False).chain
        )
        return HostKeys(self.keys[-2], self.keys[-1], frozenset({self.keys[-2]}), chain=chain)

    def is_trusted(self, hostname: str, now: datetime) -> bool:
        """Whether a sender that verifies takes it for this mail host."""
        return self.certificate is not None and self.certificate.is_trusted(hostname, now)

    def next_key(self) -> None:
        """Make another key, which is the next one from now on."""
        self.keys.append(sha256(f"{self.addresses}{len(self.keys)}".encode()).hexdigest())

    def takes(self, recipient: str) -> bool:
        """Whether the receiver's own code takes mail for this address."""
        assert self.config
        try:
            return bool(Directory(self.config.domains).destinations(parse_address(recipient)))
        except UnknownRecipient:
            return False


@dataclass(slots=True)
class Sender:
    """A mail server with a resolver of its own. With `policies` it does MTA-STS."""

    resolver: Resolver
    policies: Policies | None = None

    def look_up(self, domain: str, *, addresses: bool) -> None:
        """Fill the resolver: with the MX, and if asked with the addresses and the keys of its targets."""
        for target in self.targets(domain):
            if addresses:
                self.addresses(target)
                self.resolver.ask(tlsa.name_of(target), tlsa.TYPE)

    def targets(self, domain: str) -> list[str]:
        """The mail hosts, best first. A domain without MX is its own."""
        mx = [value.split() for value in self.resolver.ask(domain, "MX")]
        return [target for _, target in sorted((int(number), target) for number, target in mx)] or [domain]

    def addresses(self, target: str) -> frozenset[str]:
        return self.resolver.ask(target, "A") | self.resolver.ask(target, "AAAA")

    def deliver(self, recipient: str, machines: Sequence[Machine]) -> Outcome:
        """Try every address of every mail host until one answers."""
        for outcome, _, _ in self.attempts(recipient, machines):
            return outcome
        targets = self.targets(recipient.rpartition("@")[2])
        return Outcome.DEFERRED if any(map(self.addresses, targets)) else Outcome.NO_HOST

    def attempts(self, recipient: str, machines: Sequence[Machine]) -> Iterator[tuple[Outcome, str, Machine]]:
        """What becomes of the message at each machine that answers, should those before it be down.

        Gives the outcome, the mail host's name, and the machine.
        """
        domain = recipient.rpartition("@")[2]
        policy = self.policy(domain)
        for target in self.targets(domain):
            for address in sorted(self.addresses(target)):
                for machine in machines:
                    if address in machine.addresses and machine.running and machine.config:
                        yield self._at(machine, target, recipient, policy), target, machine

    def policy(self, domain: str) -> Kept | None:
        """The policy that holds for a delivery now. None if the sender has none, or keeps none at all."""
        return self.policies.of(domain, self.resolver) if self.policies else None

    def _at(self, machine: Machine, target: str, recipient: str, kept: Kept | None) -> Outcome:
        published = tlsa.digests(self.resolver.ask(tlsa.name_of(target), tlsa.TYPE))
        if published and machine.held.current not in published:
            return Outcome.UNVERIFIED
        if not published and kept and kept.policy.mode == "enforce":
            if not kept.policy.lists(target):
                return Outcome.UNLISTED
            if not machine.is_trusted(target, self.resolver.clock.now):
                return Outcome.UNTRUSTED
        return Outcome.DELIVERED if machine.takes(recipient) else Outcome.REFUSED
