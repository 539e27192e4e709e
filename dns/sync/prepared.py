"""A domain's zone as it was read, and the plan for it: nothing is changed here.

`prepare` plans what makes the zone as the inventory says, and `prepare_withdrawal` how a domain's records go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dns.cloudflare.answers import Zone
from dns.cloudflare.zones import Zones
from dns.dane import decision, facts
from dns.dane.decision import Dane
from dns.desired import desired
from dns.errors import SyncError
from dns.inventory import Domain, Inventory, over_ssh
from dns.inventory.host_addresses import Addresses, is_complete
from dns.names import a_label, is_within
from dns.plan import Plan, Replacing, obstacles, plan
from dns.plan.obstacles import NOTHING
from dns.records import ADDRESS_TYPES, ZoneRecord
from dns.sync import foreign_hosts
from dns.sync.leaving import old_names, withdraw
from dns.sync.leaving.unserved import unserved
from dns.sync.report import lines, summary, words
from dns.world.resolvers import named_resolver

if TYPE_CHECKING:
    from dns.world.leads import Leads


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A domain's zone as it was read, and the plan for it. `str` gives the plan in lines."""

    domain: Domain
    zone: Zone
    plan: Plan
    inventory: Inventory
    addresses: Mapping[str, Addresses]
    replacing: Replacing
    forgetting: Collection[str] | None = ()
    """Names of mail hosts that may lose their addresses although an MX leads to them. None means any name."""
    resolver: str | None = None
    withdrawing: bool = False
    """Whether the domain's records are to go."""
    clock: Callable[[], datetime] = _now
    look_up: old_names.LookUp | None = None
    """Where the mail of other domains is led. None asks their nameservers, and resolvers."""
    unserved: tuple[Leads, ...] = ()
    """What the zone leads here of the mail of domains that the inventory does not have."""
    dane: Dane = decision.NOTHING
    keys: facts.Keys = field(default_factory=dict)
    """What the hosts answered about their keys."""

    @property
    def changes(self) -> int:
        """How many records change. 0 if the zone is in sync, or if everything that differs is in the way."""
        return self.plan.changes

    @property
    def in_sync(self) -> bool:
        """Whether nothing changes and nothing is in the way."""
        return self.plan.in_sync

    @property
    def summary(self) -> str:
        """One line: in sync, or how many records differ."""
        return summary(self.domain.name, self.plan)

    @property
    def blocked(self) -> str:
        """One line: what is in the way, and what replaces it."""
        found = obstacles.in_one_line(self.domain.name, self.plan.obstacles, self.replacing)
        return f"{self.domain.name}: nothing was changed, because this is in the way: {found}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else the user should know: that the zone is not active yet."""
        servers = " and ".join(self.zone.nameservers)
        if self.zone.status == "active":
            return ()
        if self.zone.status == "pending":
            fix = f"set its nameservers to {servers} at the registrar"
            return (f"zone {self.zone.name} is pending, so the world does not ask Cloudflare for it: {fix}",)
        fix = f"check the dashboard, and whether the registrar names {servers}"
        return (f"zone {self.zone.name} is {self.zone.status}, so the world may not see it: {fix}",)

    @property
    def without_signing(self) -> Prepared:
        """The same, but DNSSEC is not switched on. For a run that takes hosts away."""
        plan, dane = replace(self.plan, signing=False), replace(self.dane, signing=False)
        return replace(self, plan=plan, dane=dane)

    def planned_on(self, found: Iterable[ZoneRecord]) -> Plan:
        """Plan the change, or plan it again, for these records of the zone."""
        there, now = tuple(found), self.clock()
        siblings = tuple(each.name for each in self.inventory.domains if each.name != self.domain.name)
        name, zone = self.domain.name, self.zone.name
        if self.withdrawing:
            made = withdraw.plan_withdrawal(name, zone, there, self.inventory, self.replacing, now)
        else:
            made = plan(name, zone, self.plan.desired, there, self.replacing, siblings, self.dane.untouched)
        question = old_names.Question(
            there, name, siblings, self.forgetting, self.look_up or old_names.look_up_with(self.resolver), now
        )
        made = decision.applied_to(old_names.keep(made, question), self.dane)
        return made.without_deletes() if self.plan.spared else made

    @property
    def stays(self) -> tuple[str, ...]:
        """A line for each record that nothing asks for any more, and that stays for a time."""
        return tuple(words(one) for one in self.plan.staying)

    def __str__(self) -> str:
        return "\n".join([self.summary, *lines(self.plan)])


def prepare(
    inventory: Inventory,
    domain: str,
    addresses: Mapping[str, Addresses] | None = None,
    *,
    replacing: Replacing = NOTHING,
    forgetting: Collection[str] | None = (),
    zones: Zones | None = None,
    resolver: str | None = None,
    clock: Callable[[], datetime] = _now,
    look_up: old_names.LookUp | None = None,
    keys: facts.Keys | None = None,
    outside: facts.Outside | None = None,
) -> Prepared:
    """Read the domain's zone in two requests, and plan what to change. Nothing is changed.

    If something changes, mail hosts of other zones are looked up (`resolver` is as for `wait_until_served`).
    One that no MX may lead to is in the way. A mail host's name that nothing asks for any more keeps its
    addresses for a time (`old_names`), unless `forgetting` holds it. None means that any name may go.

    `addresses` holds what was read from the hosts, by `MailHost.name`. With None, those that the inventory
    leaves out are read over ssh. `zones` is the access to Cloudflare, by default from the environment.
    `clock` gives the time in UTC. `look_up` says where other domains' mail is led, by default what the DNS
    answers. If a domain of the zone asks for DANE, a third request reads its DNSSEC, `keys` holds what the
    hosts answered about their keys (None asks them over ssh), and `outside` is the world to ask. Raises
    SyncError (one line), or InventoryError if the inventory does not have the domain.
    """
    served = inventory.domain(domain)
    resolver = named_resolver(resolver)
    zones = zones or Zones()
    zone = zones.holding(served.name)
    if addresses is None:
        addresses = {
            host.name: over_ssh.read(host)
            for host in inventory.hosts
            if is_within(host.hostname, zone.name) and not is_complete(host)
        }
    outside = outside or facts.outside_of(resolver)
    known = facts.look(inventory, served, zone, zones, keys, outside)
    dane = known.decide()
    prepared = Prepared(
        served,
        zone,
        Plan(desired(inventory, served, zone.name, addresses, dane.keys)),
        inventory,
        addresses,
        replacing,
        forgetting,
        resolver,
        clock=clock,
        look_up=look_up,
        dane=dane,
        keys=known.keys,
    )
    found = zones.records(zone)
    planned = prepared.planned_on(found)
    if changed := decision.changed_hosts(planned, inventory.hosts):
        # Nothing is published that an address does not serve. A host whose records stand is not asked again.
        dane = known.decide(facts.served_elsewhere(changed, addresses, known.keys, outside.greet))
        wanted = desired(inventory, served, zone.name, addresses, dane.keys)
        prepared = replace(prepared, plan=Plan(wanted), dane=dane)
        planned = prepared.planned_on(found)
    elsewhere = foreign_hosts.outside_of(zone.name, inventory.hosts)
    if elsewhere and planned.changes:
        from dns.world.vantage import vantage_with  # late: it imports dnspython

        vantage = vantage_with(resolver)
        planned = foreign_hosts.check(planned, served.name, elsewhere, inventory, addresses, vantage)
    return replace(prepared, plan=planned, unserved=unserved(found, inventory))


def prepare_withdrawal(
    inventory: Inventory,
    domain: str,
    *,
    replacing: Replacing = NOTHING,
    forgetting: Collection[str] | None = (),
    zones: Zones | None = None,
    resolver: str | None = None,
    clock: Callable[[], datetime] = _now,
    look_up: old_names.LookUp | None = None,
) -> Prepared:
    """Read the domain's zone in two requests, and plan how its records go. Nothing is changed.

    The domain may be in the inventory or not. The arguments are as for `prepare`. Raises SyncError.
    """
    try:
        name = a_label(domain)
    except ValueError as error:
        raise SyncError(f"domain {domain}: {error}: write it as in example.com") from None
    zones = zones or Zones()
    prepared = Prepared(
        Domain(name, (), {}, None, None, "", 1),
        zones.holding(name),
        Plan(()),
        inventory,
        {},
        replacing,
        forgetting,
        named_resolver(resolver),
        withdrawing=True,
        clock=clock,
        look_up=look_up,
    )
    return replace(prepared, plan=prepared.planned_on(zones.records(prepared.zone)))


def in_order(plans: Iterable[Prepared]) -> list[Prepared]:
    """The plans of several domains in the order in which they are to be carried out.

    A zone that publishes a host's addresses goes before a zone whose MX leads there. Otherwise a sender may
    find the MX and no address.
    """
    return sorted(plans, key=lambda one: not any(r.type in ADDRESS_TYPES for r in one.plan.desired))
