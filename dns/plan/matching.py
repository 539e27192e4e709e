"""Planning: each desired record is matched with at most one record of the zone. Pure.

Only records that carry our mark are changed or deleted. An equal record of somebody else is adopted as it is.
Any other record at one of our names is an obstacle. The plan names it, and says what it would break. It is
replaced only if the user named it and Cloudflare does not keep it read-only. The rest of the zone is ignored.

A mark names a domain. But the addresses of a mail host belong to every domain of the inventory, so they count
as ours with the mark of any of these domains. So do the TLSA of a mail host, which stand and fall together: a
sender that finds only some of them may miss the key that is served. So does a CAA that names an account: a
record of one that is gone lets nobody issue. Addresses that only stay for a time (`dns.until`) are
taken over, whichever domain they were made for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from dns.caa.properties import names_account
from dns.names import is_within
from dns.plan import authorities, policies
from dns.plan.changes import Change, Plan
from dns.plan.obstacles import NOTHING, Obstacle, Replacing, delegation, in_the_way
from dns.records import ADDRESS_TYPES, SHARED_TYPES, Record, ZoneRecord, is_marked, mark_of
from dns.until import seconds_of, until_of, wanted_again


def plan(
    domain: str,
    zone: str,
    desired: Sequence[Record],
    actual: Iterable[ZoneRecord],
    replacing: Replacing = NOTHING,
    siblings: Iterable[str] = (),
    untouched: Collection[str] = (),
) -> Plan:
    """Plan the changes that turn `actual` into `desired` for the domain in the zone (both in A-label form).

    `siblings` are the other domains of the inventory. TLSA records at the names in `untouched` stay as they
    are, and so do our CAA there that name an account, because it is not known which of them are right.
    """
    mark, marks = mark_of(domain), {mark_of(sibling) for sibling in siblings} - {mark_of(domain)}
    spots = {(record.name, record.type) for record in desired}
    hosts = {record.name for record in desired if record.type in ADDRESS_TYPES}
    # A host's A and AAAA are both ours, even if the host has no address of one of the two.
    spots |= {(name, kind) for name in hosts for kind in ADDRESS_TYPES}
    found = tuple(actual)
    matching = _Matching(domain, mark, marks, replacing, spots)
    for held in found:
        record = held.record
        if record.name in untouched and (record.type == "TLSA" or matching.is_of_a_host(record)):
            continue
        if is_marked(record, mark) or (record.name, record.type) in spots or matching.is_of_a_host(record):
            matching.left.append(held)
        elif record.type == "CNAME" and (
            record.name in hosts
            # At the apex Cloudflare flattens a CNAME, so an MX may be beside it.
            or (record.name != zone and (record.name, "MX") in spots)
        ):
            matching.set_aside(held)
        elif record.type == "CNAME" and record.name != zone:
            matching.aliases[record.name] = record
        elif record.type == "NS" and record.name != zone:
            shadowed = sorted(name for name, _ in spots if is_within(name, record.name))
            if shadowed:
                matching.obstacles.append(delegation(record, shadowed[0]))
    for record in desired:
        matching.match(record)
    matching.settle_unmatched()
    foreign = [held for held in found if not matching.is_of_the_inventory(held.record)]
    return Plan(
        desired=tuple(desired),
        posts=tuple(matching.posts),
        patches=tuple(matching.patches),
        deletes=tuple(matching.deletes),
        kept=tuple(matching.kept),
        adopted=tuple(matching.adopted),
        obstacles=tuple(matching.obstacles),
        notes=(
            *matching.notes,
            *authorities.weakened(desired, foreign, zone, matching.posts),
            *policies.lonely_keys(desired, foreign, matching.deletes),
        ),
        withheld=tuple(matching.withheld),
    )


class _Matching:
    """The records at our names that are not matched yet (`left`), and the parts of the plan so far."""

    def __init__(
        self,
        domain: str,
        mark: str,
        sibling_marks: Collection[str],
        replacing: Replacing,
        spots: Collection[tuple[str, str]],
    ) -> None:
        self.domain, self.mark, self.sibling_marks = domain, mark, sibling_marks
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
        """Delete a record of somebody else if the user named it and it may be deleted. Else report it."""
        if not held.locked and self.replacing.names(held.record):
            self.deletes.append(held)
        else:
            self.obstacles.append(in_the_way(held, self.domain, self.replacing))

    def match(self, wanted: Record) -> None:
        """Decide about one desired record: keep, adopt, patch or post it, or report an obstacle."""
        held = self._take(wanted)
        if held is None:
            self._add(wanted)
            return
        record = held.record
        equal = (record.value, record.proxied) == (wanted.value, wanted.proxied) and until_of(record) is None
        if is_marked(record, self.mark) and not held.locked:
            if equal and record.ttl == wanted.ttl:
                self.kept.append(held)
            else:
                self._patch(held, wanted, ttl=wanted.ttl, comment=record.comment)
        elif self._is_of_a_sibling(record) and not held.locked:
            # The other domain decides about its TTL. Otherwise the two would change it for ever.
            if equal:
                self.kept.append(held)
            else:
                self._patch(held, wanted, ttl=record.ttl, comment=record.comment)
        elif _is_free(record) and not held.locked:
            self._patch(held, wanted, ttl=wanted.ttl, comment=self.mark)
        elif (record.value, record.proxied) == (wanted.value, wanted.proxied):
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
        self.notes.append(
            f"{foreign.zone_line}: is not ours and stays; {wanted.content!r} is not published beside it"
        )

    def _patch(self, held: ZoneRecord, wanted: Record, *, ttl: int, comment: str | None) -> None:
        # Tags, settings, and the part of a comment behind our mark belong to whoever wrote them.
        after = wanted_again(
            replace(held.record, priority=wanted.priority, proxied=wanted.proxied, ttl=ttl, comment=comment)
        )
        self.patches.append(Change(held, after))

    def _take(self, wanted: Record) -> ZoneRecord | None:
        """Take the record of the same value, or else one that differs only in its priority."""
        alike = [held for held in self.left if held.record.value[:3] == wanted.value[:3]]
        alike.sort(key=lambda held: held.record.priority != wanted.priority)
        if not alike:
            return None
        self.left.remove(alike[0])
        return alike[0]

    def settle_unmatched(self) -> None:
        """Decide about records that match nothing: delete ours, report others, leave other texts alone."""
        for held in self.left:
            record = held.record
            at_ours = (record.name, record.type) in self.spots and record.type not in SHARED_TYPES
            if held.locked:
                if at_ours:
                    self.obstacles.append(in_the_way(held, self.domain, self.replacing))
                elif is_marked(record, self.mark):
                    self.notes.append(
                        f"{record.zone_line}: is no longer wanted, but Cloudflare keeps it read-only"
                    )
            elif (
                is_marked(record, self.mark)
                or self.is_of_a_host(record)
                or (at_ours and (self._is_of_a_sibling(record) or _is_free(record)))
            ):
                self.deletes.append(held)
                if (record.name, record.type) in self.spots and record.type in ADDRESS_TYPES:
                    self.notes.append(_old_address(record))
            elif at_ours:
                self.set_aside(held)

    def is_of_the_inventory(self, record: Record) -> bool:
        """Whether the record carries the mark of any domain of the inventory."""
        return is_marked(record, self.mark) or self._is_of_a_sibling(record)

    def is_of_a_host(self, record: Record) -> bool:
        """Whether it is a host's key or account, with the mark of any domain of the inventory."""
        named = record.type == "TLSA" or (record.type == "CAA" and names_account(record.content))
        return named and self.is_of_the_inventory(record)

    def _is_of_a_sibling(self, record: Record) -> bool:
        return any(is_marked(record, mark) for mark in self.sibling_marks)


def _is_free(record: Record) -> bool:
    """Whether this is an address that some domain had, and that stays only for a time."""
    return record.type in ADDRESS_TYPES and until_of(record) is not None


def _old_address(record: Record) -> str:
    """What a sender does that still has this address of a name that gets another, or loses it."""
    return (
        f"{record.content}: a sender may keep this address of {record.name} for "
        f"{seconds_of(record.ttl)} s: if another machine has it, let that take mail until then"
    )
