"""A plan as a value: the changes to a zone for one domain, and what was found on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from dns.mta_sts.values import NOTHING, PolicyPlan
from dns.plan.obstacles import Obstacle
from dns.records import Record, ZoneRecord, same
from dns.until import Until, after, at


@dataclass(frozen=True, slots=True)
class Change:
    """A record that stays in the zone and gets other attributes."""

    before: ZoneRecord
    after: Record


@dataclass(frozen=True, slots=True)
class Staying:
    """A record of ours that nothing asks for any more, and that stays while somebody may still come to it."""

    held: ZoneRecord | None
    """The record in the zone. None if the plan adds it."""
    record: Record
    """The record as the plan leaves it. Its comment says how long it stays."""
    until: datetime | None
    """Until when it stays. None while mail is led to it, or while nobody can tell."""
    reason: str
    seconds: int | None = None
    """The time counts from the moment of the change, and is this many seconds later. None if it is set."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to change in a zone for one domain, and what was found there.

    `kept` are records of ours that are right. `adopted` are records of somebody else that are right.
    """

    desired: tuple[Record, ...]
    posts: tuple[Record, ...] = ()
    patches: tuple[Change, ...] = ()
    deletes: tuple[ZoneRecord, ...] = ()
    kept: tuple[ZoneRecord, ...] = ()
    adopted: tuple[ZoneRecord, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: tuple[Record, ...] = ()
    """Desired records that are not published, because somebody else's SPF or DMARC stays there."""
    spared: tuple[ZoneRecord, ...] = ()
    """Records that would be deleted, but stay in this run."""
    staying: tuple[Staying, ...] = ()
    """Records that nothing asks for any more, and that stay for a time. New comments are among `patches`."""
    remaining: tuple[Record, ...] | None = None
    """If the domain is withdrawn: the MX of somebody else that stay at its name. Else None."""
    signing: bool = False
    """Whether DNSSEC is to be switched on in the zone. No plan switches it off, and none undoes this."""
    policy: PolicyPlan = NOTHING
    """What is done about the domain's MTA-STS policy, besides changing records."""
    registrar: str = ""
    """One line that says which DS to hand to the registrar. Empty if that is done, or if none is known."""

    def without_deletes(self) -> Plan:
        """The same plan, but nothing is deleted. For a run that knows only some of the hosts."""
        return replace(self, deletes=(), spared=self.deletes)

    def dated(self, now: datetime) -> Plan:
        """The same plan, sent `now`: what is to stay for some seconds stays that long from now on."""
        made = {
            one.record: at(one.record, Until(after(now, one.seconds)))
            for one in self.staying
            if one.seconds is not None
        }
        if not made:
            return self
        return replace(
            self,
            posts=tuple(made.get(record, record) for record in self.posts),
            patches=tuple(
                replace(change, after=made.get(change.after, change.after)) for change in self.patches
            ),
            staying=tuple(
                one
                if one.seconds is None
                else replace(one, record=made[one.record], until=after(now, one.seconds))
                for one in self.staying
            ),
        )

    @property
    def stay_until(self) -> datetime | None:
        """When the last record that stays for a time may go. None if none does, or if it is not known yet."""
        times = [one.until for one in self.staying]
        known = [time for time in times if time is not None]
        return max(known) if known and len(known) == len(times) else None

    @property
    def changes(self) -> int:
        """How many records change."""
        return len(self.posts) + len(self.patches) + len(self.deletes)

    @property
    def settled(self) -> bool:
        """Whether no record changes and none is in the way. Something else may be left to do."""
        return not self.changes and not self.obstacles

    @property
    def in_sync(self) -> bool:
        """Whether nothing changes and nothing is in the way."""
        return self.settled and not self.signing and not self.policy.pending


def count_not_visible(plan: Plan, actual: Iterable[ZoneRecord]) -> int:
    """Count the changes of the plan that cannot be seen in the zone.

    A plan is carried out whole or not at all. So 0 means that it was carried out, and all of them that it
    was not. Any other number means that somebody else has changed the zone too, and the outcome is unknown.
    """
    there = {held.id: held.record for held in actual}
    return (
        sum(not any(same(held, record) for held in there.values()) for record in plan.posts)
        + sum(not same(there.get(change.before.id), change.after) for change in plan.patches)
        + sum(held.id in there for held in plan.deletes)
    )
