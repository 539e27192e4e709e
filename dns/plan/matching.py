"""How what is desired differs from what is in the zone. Pure: two sets of records in, a plan out.

Only records that carry our mark are changed or deleted. An equal record of somebody else's is
adopted as it is. What else stands at our names is an obstacle, named with what it would break, and
goes only if the user named it, and Cloudflare does not keep it read-only. All other records of the zone
are not looked at.

The mark names a domain. A mail host's addresses are those of every domain of the inventory, so they are
ours with any of their marks.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from dns.names import is_within
from dns.plan import policies
from dns.plan.obstacles import Obstacle, Replacing, delegation, in_the_way
from dns.records import SHARED, Record, ZoneRecord, is_marked, mark_of, same

__all__ = ["NOTHING", "Change", "Obstacle", "Plan", "Replacing", "plan"]

ADDRESS = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Change:
    """A record that stays, with other attributes."""

    before: ZoneRecord
    after: Record


NOTHING = Replacing()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to a zone for one domain, and what was found."""

    desired: tuple[Record, ...]
    posts: tuple[Record, ...] = ()
    patches: tuple[Change, ...] = ()
    deletes: tuple[ZoneRecord, ...] = ()
    kept: tuple[ZoneRecord, ...] = ()
    adopted: tuple[ZoneRecord, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: tuple[Record, ...] = ()  # desired, but another's SPF or DMARC stands there and stays
    spared: tuple[ZoneRecord, ...] = ()

    def without_deletes(self) -> "Plan":
        """The same plan, but what it would delete stays: for a run that knows only some of the hosts."""
        return replace(self, deletes=(), spared=self.deletes)

    @property
    def changes(self) -> int:
        """How many records are to be changed."""
        return len(self.posts) + len(self.patches) + len(self.deletes)

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to do, and nothing in the way."""
        return not self.changes and not self.obstacles


def plan(
    domain: str,
    zone: str,
    desired: Sequence[Record],
    actual: Iterable[ZoneRecord],
    replacing: Replacing = NOTHING,
    others: Iterable[str] = (),
) -> Plan:
    """The way from ``actual`` to ``desired`` for the domain in the zone (both in A-label form).

    ``others`` are the inventory's other domains.
    """
    mark, marks = mark_of(domain), {mark_of(other) for other in others} - {mark_of(domain)}
    spots = {(record.name, record.type) for record in desired}
    hosts = {record.name for record in desired if record.type in ADDRESS}
    # Both families of a host's addresses are ours to say, also when it has none of one.
    spots |= {(name, kind) for name in hosts for kind in ADDRESS}
    found = tuple(actual)
    rest = _Matching(domain, mark, marks, replacing, spots)
    for held in found:
        record = held.record
        if is_marked(record, mark) or (record.name, record.type) in spots:
            rest.left.append(held)
        elif record.type == "CNAME" and (
            record.name in hosts
            # At the apex Cloudflare flattens a CNAME, and MX may stand beside it.
            or (record.name != zone and (record.name, "MX") in spots)
        ):
            rest.set_aside(held)
        elif record.type == "CNAME" and record.name != zone:
            rest.aliases[record.name] = record
        elif record.type == "NS" and record.name != zone:
            shadowed = sorted(name for name, _ in spots if is_within(name, record.name))
            if shadowed:
                rest.obstacles.append(delegation(record, shadowed[0]))
    for record in desired:
        rest.match(record)
    rest.sort_out_the_others()
    foreign = (held for held in found if not rest.is_the_inventorys(held.record))
    return Plan(
        desired=tuple(desired),
        posts=tuple(rest.posts),
        patches=tuple(rest.patches),
        deletes=tuple(rest.deletes),
        kept=tuple(rest.kept),
        adopted=tuple(rest.adopted),
        obstacles=tuple(rest.obstacles),
        notes=(*rest.notes, *policies.opened(desired, foreign, zone, rest.posts)),
        withheld=tuple(rest.withheld),
    )


def not_seen(plan: Plan, actual: Iterable[ZoneRecord]) -> int:
    """How many of the plan's changes cannot be seen in the zone. Pure.

    None of them: it was made. All of them: it was not, as a plan is carried out whole or not at all. Some
    of them: others have changed the zone too, and whether it was made is not known.
    """
    there = {held.id: held.record for held in actual}
    return (
        sum(not any(same(held, record) for held in there.values()) for record in plan.posts)
        + sum(not same(there.get(change.before.id), change.after) for change in plan.patches)
        + sum(held.id in there for held in plan.deletes)
    )


class _Matching:
    """The records at our names, each matched with at most one that is desired."""

    def __init__(
        self,
        domain: str,
        mark: str,
        marks: Collection[str],
        replacing: Replacing,
        spots: Collection[tuple[str, str]],
    ) -> None:
        self.domain, self.mark, self.marks = domain, mark, marks
        self.replacing, self.spots = replacing, spots
        self.left: list[ZoneRecord] = []
        self.aliases: dict[str, Record] = {}
        self.posts: list[Record] = []
        self.patches: list[Change] = []
        self.deletes: list[ZoneRecord] = []
        self.kept: list[ZoneRecord] = []
        self.adopted: list[ZoneRecord] = []
        self.obstacles: list[Obstacle] = []
        self.notes: list[str] = []
        self.withheld: list[Record] = []

    def set_aside(self, held: ZoneRecord) -> None:
        """Delete what is not ours if the user named it and it can be deleted; else it is in the way."""
        if not held.locked and self.replacing.names(held.record):
            self.deletes.append(held)
        else:
            self.obstacles.append(in_the_way(held, self.domain, self.replacing))

    def match(self, wanted: Record) -> None:
        """Settle one desired record: kept, adopted, patched, posted, or kept back for an obstacle."""
        held = self._take(wanted)
        if held is None:
            self._add(wanted)
            return
        record = held.record
        equal = (record.value, record.proxied) == (wanted.value, wanted.proxied)
        if is_marked(record, self.mark) and not held.locked:
            if equal and record.ttl == wanted.ttl:
                self.kept.append(held)
            else:
                self._patch(held, wanted, ttl=wanted.ttl, comment=record.comment)
        elif self._is_a_siblings(record) and not held.locked:
            # Its time to live is the other domain's to say, or the two would change it for ever.
            if equal:
                self.kept.append(held)
            else:
                self._patch(held, wanted, ttl=record.ttl, comment=record.comment)
        elif equal:
            self.adopted.append(held)
        elif not held.locked and self.replacing.names(record):
            self._patch(held, wanted, ttl=wanted.ttl, comment=wanted.comment)
        else:
            self.obstacles.append(in_the_way(held, self.domain, self.replacing))

    def _add(self, wanted: Record) -> None:
        others = (held.record for held in self.left if not is_marked(held.record, self.mark))
        foreign = policies.foreign_policy(wanted, others, self.aliases)
        if foreign is None:
            self.posts.append(wanted)
            return
        self.withheld.append(wanted)
        beside = f"{wanted.content!r} is not published beside it"
        self.notes.append(f"{foreign.shown}: is not ours and stays; {beside}")

    def _patch(self, held: ZoneRecord, wanted: Record, *, ttl: int, comment: str | None) -> None:
        # What was written behind the mark is its writer's, and so are tags and settings.
        after = replace(
            held.record, priority=wanted.priority, proxied=wanted.proxied, ttl=ttl, comment=comment
        )
        self.patches.append(Change(held, after))

    def _take(self, wanted: Record) -> ZoneRecord | None:
        """The record of the same value, else the one that differs only in its priority."""
        alike = [held for held in self.left if held.record.value[:3] == wanted.value[:3]]
        alike.sort(key=lambda held: held.record.priority != wanted.priority)
        if not alike:
            return None
        self.left.remove(alike[0])
        return alike[0]

    def sort_out_the_others(self) -> None:
        """What was matched with nothing: ours goes, another's is an obstacle, other texts are let be."""
        for held in self.left:
            record = held.record
            at_ours = (record.name, record.type) in self.spots and record.type not in SHARED
            if held.locked:
                if at_ours:
                    self.obstacles.append(in_the_way(held, self.domain, self.replacing))
                elif is_marked(record, self.mark):
                    self.notes.append(f"{record.shown}: is no longer wanted, but read-only at Cloudflare")
            elif is_marked(record, self.mark) or (at_ours and self._is_a_siblings(record)):
                self.deletes.append(held)
            elif at_ours:
                self.set_aside(held)

    def is_the_inventorys(self, record: Record) -> bool:
        """Whether it carries the mark of any domain of the inventory."""
        return is_marked(record, self.mark) or self._is_a_siblings(record)

    def _is_a_siblings(self, record: Record) -> bool:
        return any(is_marked(record, mark) for mark in self.marks)
