"""A plan as a value: the changes to a zone for one domain, and what was found on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dns.plan.obstacles import Obstacle
from dns.records import Record, ZoneRecord, same


@dataclass(frozen=True, slots=True)
class Change:
    """A record that stays in the zone and gets other attributes."""

    before: ZoneRecord
    after: Record


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

    def without_deletes(self) -> Plan:
        """The same plan, but nothing is deleted. For a run that knows only some of the hosts."""
        return replace(self, deletes=(), spared=self.deletes)

    @property
    def changes(self) -> int:
        """How many records change."""
        return len(self.posts) + len(self.patches) + len(self.deletes)

    @property
    def in_sync(self) -> bool:
        """Whether nothing changes and nothing is in the way."""
        return not self.changes and not self.obstacles


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
