"""A walk: a user who changes his inventory, with any time in between, and everybody who ever sent to him."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dns.sync import Zones
from tests.caches.inventories import ADDRESSES, ADDRESSES6, MACHINES, MAIN, OTHER, SUB, Step
from tests.caches.world.authority import Authority
from tests.caches.world.clock import Clock
from tests.caches.world.cloudflare import TimedStandIn
from tests.caches.world.resolver import Resolver
from tests.caches.world.sender import Machine, Outcome, Sender
from tests.caches.world.site import Site
from tests.dns.loopback.nameserver import Nameserver

TOKEN = "lab-token-0123456789"
SENDERS = 24
"""The newest of them deliver again at each moment. Older ones have forgotten everything, or nearly."""


@dataclass
class Walk:
    """The world of one walk, and everybody who has ever sent."""

    site: Site
    clock: Clock
    senders: list[Sender] = field(default_factory=list)
    since: dict[str, datetime] = field(default_factory=dict)
    """The mailboxes that must be taken, and from when on. Those of a domain that was taken out stay."""
    log: list[str] = field(default_factory=list)
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The hosts of the last inventory that was deployed."""

    def __post_init__(self) -> None:
        self.site.happened, self.site.pauses = self.happened, self.pauses

    def deploy(self, step: Step) -> None:
        """What the user does until the deploy is carried out."""
        gone = self.site.served() - set(step.domains)
        if gone and set(step.hosts) - set(self.hosts):
            # As docs/host.md says: a domain is taken away before its machine is replaced, because a new
            # machine cannot tell what the old one served.
            step = replace(step, hosts=self.hosts)
        inventory = step.inventory
        self.site.authority.delay = step.delay
        self.wants(step)
        if not self.site.deploy(inventory):
            for domain in sorted(gone):
                self.site.withdraw(inventory, domain)
            return
        self.hosts = step.hosts
        added = {f"{box}@{name}" for name, data in step.domains.items() for box in data["mailboxes"]}
        for address in added - set(self.since):
            # From now on everybody may be told of it. A nameserver may still lead to a machine that has left.
            self.since[address] = self.clock.now + timedelta(seconds=step.delay)

    def wants(self, step: Step) -> None:
        """A mailbox that this inventory takes out of a domain that stays is no longer promised."""
        for address in list(self.since):
            box, _, domain = address.partition("@")
            if domain in step.domains and box not in step.domains[domain]["mailboxes"]:
                del self.since[address]

    def happened(self, what: str) -> None:
        """A run has changed something: everybody sends, and the next change comes a second later."""
        self.log.append(f"{self.clock.now:%H:%M:%S} {what}")
        self.everybody_sends()
        self.clock.advance(1)

    def pauses(self, seconds: float) -> None:
        """A run waits, and senders come on the way."""
        self.passes(seconds)

    def passes(self, seconds: float) -> None:
        """Time passes, and senders come on the way."""
        for part in (seconds / 2, seconds / 2):
            self.clock.advance(part)
            self.everybody_sends()

    def everybody_sends(self) -> None:
        """New senders fill their caches, and all deliver to all mailboxes that their MX may know of."""
        machines = list(self.site.machines.values())
        for addresses in (False, True):
            sender = Sender(Resolver(self.site.authority, self.clock))
            for domain in (MAIN, OTHER, SUB):
                sender.look_up(domain, addresses=addresses)
            self.senders.append(sender)
        self.senders = self.senders[-SENDERS:]
        for sender in self.senders:
            for address, since in self.since.items():
                domain = address.partition("@")[2]
                at = sender.resolver.since(domain, "MX")
                if at is None or not sender.resolver.ask(domain, "MX") or at <= since:
                    continue
                # What a delivery looks up is not kept, so that the next one finds the cache as it was.
                outcome = Sender(sender.resolver.copy()).deliver(address, machines)
                if outcome is not Outcome.DELIVERED:
                    raise Lost(f"{address}: {outcome.value}", self.log, at)


class Lost(AssertionError):
    """Mail was lost."""

    def __init__(self, what: str, log: Sequence[str], at: datetime) -> None:
        super().__init__("\n".join([f"{what} (the sender looked the MX up at {at:%H:%M:%S})", *log]))


@contextmanager
def walking(state: Path, forgetting: Any = ()) -> Iterator[Walk]:
    """A world in which nothing is deployed yet."""
    with site_of(state, forgetting) as site:
        yield Walk(site, site.clock)


@contextmanager
def site_of(state: Path, forgetting: Any = ()) -> Iterator[Site]:
    """A user with machines and zones, and nothing is deployed yet."""
    clock = Clock()
    with (
        TimedStandIn([MAIN, OTHER], clock=clock, token=TOKEN) as cloudflare,
        Nameserver(None, {}, recursive=True) as refusing,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_STATE_HOME", str(state))
        zones = Zones({"CLOUDFLARE_API_TOKEN": TOKEN, "CLOUDFLARE_BASE_URL": cloudflare.base_url})
        for zone in cloudflare.zones.values():
            zone.switch_dnssec({"status": "active"}, cloudflare.api.signer)
        authority = Authority(cloudflare, clock)
        authority.publish()
        machines = {
            name: Machine(frozenset({ADDRESSES[name], ADDRESSES6[name]}), running=False) for name in MACHINES
        }
        yield Site(zones, authority, clock, machines, refusing.resolver, forgetting)
