"""A domain's zone as it was read, and the plan for it: nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dns.caa.decision import NOTHING as NO_CAA
from dns.caa.decision import Caa
from dns.cloudflare.answers import Zone
from dns.dane import decision, facts
from dns.dane.decision import Dane
from dns.inventory import Domain, Inventory
from dns.inventory.host_addresses import Addresses
from dns.mta_sts.decision import decide
from dns.mta_sts.values import Asked, Known, PolicyPlan
from dns.plan import Plan, Replacing, announcing, obstacles, plan
from dns.records import Record, ZoneRecord
from dns.sync.leaving import old_names, withdraw
from dns.sync.report import lines, summary, words

if TYPE_CHECKING:
    from dns.world.leads import Leads


def utc_now() -> datetime:
    """The time."""
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
    clock: Callable[[], datetime] = utc_now
    look_up: old_names.LookUp | None = None
    """Where the mail of other domains is led. None asks their nameservers, and resolvers."""
    unserved: tuple[Leads, ...] = ()
    """What the zone leads here of the mail of domains that the inventory does not have."""
    dane: Dane = decision.NOTHING
    caa: Caa = NO_CAA
    keys: facts.Keys = field(default_factory=dict)
    """What the hosts answered about their keys."""
    wanted: tuple[Record, ...] = ()
    """The records that the inventory asks for, besides what tells of a policy."""
    found: tuple[ZoneRecord, ...] = ()
    """The records of the zone."""
    asked: Asked | None = None
    """What is wanted of the MTA-STS policy. None leaves it alone."""
    known: Known = field(default_factory=Known)
    """What is known of that policy."""
    outside: facts.Outside | None = None
    """The world to ask. None asks nobody for a policy."""
    missing: tuple[str, ...] = ()
    """Names of mail hosts that this run knows nothing of. With these, nothing is deleted."""
    staged: bool = False
    """Whether the plan holds only what may be done now, and not all of the run."""

    @property
    def changes(self) -> int:
        """How many records change. 0 if the zone is in sync, or if everything that differs is in the way."""
        return self.plan.changes

    @property
    def policy(self) -> PolicyPlan:
        """What is done about the domain's MTA-STS policy, besides changing records."""
        return self.plan.policy

    @property
    def now(self) -> Prepared:
        """The same, but the plan holds only what may be done now. The rest is planned again after that."""
        staged = replace(self, staged=True)
        return replace(staged, plan=staged.planned_on(self.found))

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
        now = self.clock()
        whole = tuple(found)
        policy = decide(self.asked, whole, self.known, now) if self.asked else PolicyPlan()
        own = {held.id for held in (policy.ours.held, *policy.ours.more) if held}
        there = tuple(held for held in whole if held.id not in own)
        siblings = tuple(each.name for each in self.inventory.domains if each.name != self.domain.name)
        name, zone = self.domain.name, self.zone.name
        if self.withdrawing:
            made = withdraw.plan_withdrawal(name, zone, there, self.inventory, self.replacing, now)
        else:
            untouched = self.dane.untouched | self.caa.untouched
            made = plan(name, zone, self.wanted, there, self.replacing, siblings, untouched)
            made = replace(made, notes=(*made.notes, *self.caa.notes))
            made = withdraw.keep_marker(made, name, now) if policy.touches else made
        made = announcing.waiting(made, policy, name, whole=not self.staged)
        question = old_names.Question(
            there, name, siblings, self.forgetting, self.look_up or old_names.look_up_with(self.resolver), now
        )
        made = decision.applied_to(old_names.keep(made, question), self.dane)
        made = announcing.announced(made, policy, name, whole, now, zone=zone, whole=not self.staged)
        return made.without_deletes() if self.plan.spared or self.missing else made

    @property
    def stays(self) -> tuple[str, ...]:
        """A line for each record that nothing asks for any more, and that stays for a time."""
        return tuple(words(one) for one in self.plan.staying)

    def __str__(self) -> str:
        return "\n".join([self.summary, *lines(self.plan)])
