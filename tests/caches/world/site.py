"""A user with his machines: each run is our real planning, carried out at the stand-in, step by step.

He does what our messages say: he withdraws a domain that a deploy refuses to forget, and he switches a
machine off when no run says any more that it must run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dns import sync, tlsa
from dns.dane import standing
from dns.dane.facts import Outside
from dns.inventory import Domain, Inventory
from dns.inventory.host_keys import HostKeys
from dns.mta_sts.policy import LABEL, id_of
from dns.sync import Prepared, Zones
from dns.sync.stages import carry_out
from dns.until import seconds_of
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.signed import Signed
from provision.desired.letterbox_toml import letterbox_toml
from provision.host.served import parse_served
from provision.tls import enforced
from provision.withdrawal.given_up import given_up
from provision.withdrawal.refusals import refusals
from receiver.config.load import from_table
from tests.caches.world.authority import Authority
from tests.caches.world.certificate import problem_with
from tests.caches.world.clock import Clock
from tests.caches.world.edge import Edge
from tests.caches.world.leads import WhereMailIsLed
from tests.caches.world.sender import Machine


@dataclass(slots=True)
class Site:
    """The machines by the name that ssh reaches them by, and the zones."""

    zones: Zones
    authority: Authority
    clock: Clock
    machines: dict[str, Machine]
    resolver: str
    """A real resolver that refuses to answer: the simulated world cannot be asked over the network."""
    forgetting: Collection[str] | None = ()
    """As `sync.prepare` has it. None is what `--forget-host` with every name does."""
    _leads: WhereMailIsLed = field(init=False)
    waits: bool = True
    """Whether a rekey waits until the next key's record has stood for two TTLs."""
    asks: bool = True
    """Whether a run is answered by the hosts."""
    edge: Edge = field(init=False)
    happened: Callable[[str], None] = lambda what: None
    """Called after each thing that a run changed."""
    pauses: Callable[[float], None] = field(init=False)
    """Called when a run waits for some seconds."""
    _busy: dict[str, datetime] = field(default_factory=dict)
    """Until when a run said that a machine must take mail, by its name."""

    def __post_init__(self) -> None:
        self._leads = WhereMailIsLed(self.authority, self.clock)
        self.edge = Edge(self.authority.cloudflare.policies, self.clock)
        self.pauses = self.clock.advance
        self.authority.cloudflare.changed = self._changed

    def _changed(self) -> None:
        self.authority.publish()
        self.edge.publish()

    def deploy(self, inventory: Inventory) -> bool:
        """Carry a deploy out. False, and nothing is changed, if it refuses."""
        if self._refusals(inventory):
            return False
        for host in inventory.hosts:
            machine = self.machines[host.name]
            machine.toml, machine.running = letterbox_toml(host, inventory.domains), True
            machine.config = from_table(tomllib.loads(machine.toml), host.name)
            while len(machine.keys) < 2:
                machine.next_key()
            self.happened(f"{host.name} is deployed")
        plans = [self._prepared(inventory, domain.name) for domain in inventory.domains]
        for prepared in sync.in_order(plans):
            self._applied(prepared)
        for prepared in plans:
            if any(one.until is None for one in prepared.plan.staying):
                self._applied(self._prepared(inventory, prepared.domain.name))
        self._switch_off(inventory)
        return True

    def withdraw(self, inventory: Inventory, domain: str, *, forget_policy: bool = False) -> None:
        """`python -m dns.sync DOMAIN --withdraw`, and perhaps `--forget-policy`."""
        self._applied(
            sync.prepare_withdrawal(
                inventory,
                domain,
                forgetting=self.forgetting,
                zones=self.zones,
                resolver=self.resolver,
                clock=self.clock,
                look_up=self._leads.look_up,
                outside=self._outside,
                forget_policy=forget_policy,
            )
        )

    def destroy(self, inventory: Inventory) -> None:
        """`destroy.py` for all hosts."""
        nobody = Inventory((), inventory.domains)
        plans = [self._prepared(nobody, domain.name).without_signing for domain in inventory.domains]
        for prepared in sync.in_order(plans):
            self._applied(prepared)
        for machine in self.machines.values():
            machine.running = False

    def rekey(self, inventory: Inventory, name: str) -> str:
        """`rekey.py` for one machine. Returns why it was refused; empty if it was made."""
        host = next(host for host in inventory.hosts if host.name == name)
        machine = self.machines[name]
        records = [
            held
            for held in self.zones.records(self.zones.holding(host.hostname))
            if held.record.type == tlsa.TYPE
        ]
        found = [
            standing.standing(at, [held for held in records if held.record.name == at], [self._answered(at)])
            for at in standing.names_with_key(host.hostname, machine.held.current, records)
        ]
        why = standing.why_not_yet(found, machine.held.next, self.clock()) if self.waits else ""
        if machine.certificate:
            policies = [self._policy_of(domain) for domain in inventory.domains]
            why = why or enforced.why_not_yet(host.hostname, policies, self.clock())
        if not why:
            machine.next_key()
        return why

    def _policy_of(self, domain: Domain) -> enforced.Standing:
        """What `enforced.look` would find."""
        served, name = self.edge.answer(domain.name), f"{LABEL}.{domain.name}"
        texts = [
            held
            for held in self.zones.records(self.zones.holding(domain.name))
            if (held.record.type, held.record.name) == ("TXT", name)
        ]
        changed = max((datetime.fromisoformat(held.modified) for held in texts), default=None)
        return enforced.Standing(domain, served, changed, id_of(held.record.content for held in texts))

    def _answered(self, name: str) -> standing.Answered:
        """What the slowest nameserver answers. The rest have it too."""
        told = self.authority.answer(name, tlsa.TYPE)
        ttl = told.ttl if told.values else 0
        return standing.Answered(Server("ns", "192.0.2.53"), tlsa.digests(told.values), ttl)

    def served(self) -> set[str]:
        """The domains that some machine that runs takes mail for."""
        return {
            domain.name
            for machine in self.machines.values()
            if machine.running and machine.config
            for domain in machine.config.domains
        }

    def _refusals(self, inventory: Inventory) -> list[str]:
        problems: list[str] = []
        for host in inventory.hosts:
            machine = self.machines[host.name]
            if machine.toml and machine.running:
                before = parse_served(machine.toml)
                after = parse_served(letterbox_toml(host, inventory.domains))
                look = self._leads.of
                problems += refusals(
                    given_up(before, after), before, after, machine.addresses, look, now=self.clock
                )
        return problems

    def _prepared(self, inventory: Inventory, domain: str) -> Prepared:
        return sync.prepare(
            inventory,
            domain,
            {},
            forgetting=self.forgetting,
            zones=self.zones,
            resolver=self.resolver,
            clock=self.clock,
            look_up=self._leads.look_up,
            keys={host.name: self._answers(host.name) for host in inventory.hosts},
            outside=self._outside,
        )

    def _answers(self, name: str) -> HostKeys:
        return self.machines[name].held if self.asks else HostKeys(unread="it does not answer")

    @property
    def _outside(self) -> Outside:
        return Outside(
            lambda zone: Signed(zone, True),
            lambda address: Greeting("no route"),
            self.edge.answer,
            problem_with,
        )

    def _applied(self, prepared: Prepared) -> None:
        assert not prepared.plan.obstacles, prepared.blocked
        for held in prepared.plan.deletes:
            # A note of the plan says for how long a sender may keep the old address of a name.
            ttl = seconds_of(held.record.ttl) + self.authority.delay
            self._keep_running(held.record.content, self.clock.now + timedelta(seconds=ttl))
        made = carry_out(
            prepared,
            zones=self.zones,
            serve=self._served,
            pause=self.pauses,
            tell=lambda line: None,
            done=self.happened,
        )
        for one in made.staying:
            self._keep_running(one.record.content, one.until or self.clock.now + timedelta(days=9))

    def _served(self, prepared: Prepared) -> float:
        """Wait until all nameservers answer."""
        if self.authority.delay:
            self.pauses(self.authority.delay)
        return self.authority.delay

    def _keep_running(self, address: str, until: datetime) -> None:
        for name, machine in self.machines.items():
            if address in machine.addresses:
                self._busy[name] = until

    def _switch_off(self, inventory: Inventory) -> None:
        names = {host.name for host in inventory.hosts}
        for name, machine in self.machines.items():
            if name in names:
                self._busy.pop(name, None)
            elif self._busy.get(name, self.clock.now) <= self.clock.now:
                machine.running = False
