"""Putting back what the last run changed in a domain's zone: only that, and only where nobody has changed it.

What was changed is read from this machine (``undo_file``), what is there now from the zone.
"""

from collections.abc import Iterable

from dns.cloudflare.zones import Zone, Zones
from dns.errors import ChangedBut, OutcomeUnknown, SyncError
from dns.plan.matching import Change, Plan, not_seen
from dns.records import Record, ZoneRecord, same
from dns.sync import undo_file
from dns.sync.undo_file import Saved


def way_back(saved: Saved, actual: Iterable[ZoneRecord]) -> Plan:
    """The plan that puts back what was changed; what has changed since is noted and stays. Pure."""
    there = {held.id: held for held in actual}
    by_value = {held.record.value: held for held in there.values()}
    deletes, patches, posts, notes = [], [], [], []
    for made in saved.posted:
        held = there.get(made.id) if made.id else by_value.get(made.record.value)
        if held is None:
            if made.record.value in by_value:
                notes.append(f"{made.record.shown}: was made anew since, and stays")
        elif _can_be_undone(held, made.record, notes):
            deletes.append(held)
    for change in saved.patched:
        held = there.get(change.before.id)
        if held is None:
            notes.append(f"{change.after.shown}: has changed since, and stays as it is")
        elif held.record != change.before.record and _can_be_undone(held, change.after, notes):
            patches.append(Change(held, change.before.record))
    for record in saved.deleted:
        if record.value in by_value:
            notes.append(f"{record.shown}: is there again already")
        else:
            posts.append(record)
    return Plan((), tuple(posts), tuple(patches), tuple(deletes), notes=tuple(notes))


def _can_be_undone(held: ZoneRecord, after: Record, notes: list[str]) -> bool:
    if held.record != after:
        notes.append(f"{after.shown}: has changed since, and stays")
    elif held.locked:
        notes.append(f"{after.shown}: is read-only at Cloudflare now, and stays")
    else:
        return True
    return False


def visible(saved: Saved, actual: Iterable[ZoneRecord]) -> tuple[int, int]:
    """How many of the changes are to be seen in the zone, and how many there are. Pure."""
    there = {held.id: held.record for held in actual}
    values = {record.value for record in there.values()}
    seen = (
        sum(any(same(held, made.record) for held in there.values()) for made in saved.posted)
        + sum(same(there.get(change.before.id), change.after) for change in saved.patched)
        + sum(record.value not in values for record in saved.deleted)
    )
    return seen, len(saved.posted) + len(saved.patched) + len(saved.deleted)


def plan_back(domain: str, zones: Zones) -> tuple[Zone, Plan]:
    """The zone as it is, in two requests, and the plan to put back what the last run changed.

    A change whose outcome was not known counts if all of it is to be seen, and not if nothing is. Raises
    SyncError where that does not tell, where no change is known, or where it was made in another zone.
    """
    zone: Zone | None = None
    actual: tuple[ZoneRecord, ...] = ()
    for path, certain, saved in undo_file.candidates(domain):
        if zone is None or zone.name != saved.zone:
            zone = zones.holding(saved.zone)
            actual = ()
        if zone.name != saved.zone or saved.zone_id not in ("", zone.id):
            if not certain:
                continue
            raise SyncError(
                f"{domain}: the last change was made in another zone named {saved.zone} "
                f"({saved.zone_id or 'its identifier is not known'}), nothing was undone: use a token that "
                f"sees that zone, or delete {path}"
            )
        actual = actual or zones.records(zone)
        seen, changes = visible(saved, actual)
        if certain or seen == changes:
            return zone, way_back(saved, actual)
        if seen:
            raise SyncError(
                f"{domain}: whether the last run changed it is not known: {seen} of {changes} changes are to "
                f"be seen, which may be somebody else's; nothing was undone: do it by hand, and delete {path}"
            )
    raise SyncError(
        f"{domain}: no change to undo is known on this machine ({undo_file.file_of(domain)} is not there)"
    )


def put_back(domain: str, zone: Zone, plan: Plan, zones: Zones) -> None:
    """Carry out the plan, in one transaction, and forget the change that it undoes.

    Raises SyncError where Cloudflare refused (nothing was changed), or where it is not all put back.
    """
    edited: tuple[str, ...] = ()
    if plan.changes:
        try:
            made = zones.change(zone, plan)
            edited, problem = made.edited, "; ".join(made.unconfirmed)
        except OutcomeUnknown as error:
            problem = str(error)
        if problem:
            _settle(domain, zone, plan, zones, problem)
    undo_file.forget(domain)
    if edited:
        raise ChangedBut(
            f"{domain}: undone, but edited in between by somebody else, and deleted: {'; '.join(edited)}: "
            "make it again if it is to stay"
        )


def _settle(domain: str, zone: Zone, plan: Plan, zones: Zones, problem: str) -> None:
    """Read again after an undo whose outcome is not known; raise if it is not all undone."""
    try:
        left = not_seen(plan, zones.records(zone))
    except SyncError as again:
        raise OutcomeUnknown(
            f"{problem}; whether it was undone is unknown, as {domain} cannot be read either ({again}): "
            "run again when it can, that shows it"
        ) from None
    if left:
        raise (ChangedBut if left < plan.changes else SyncError)(
            f"{domain}: {problem}; read again: {left} of {plan.changes} changes are not undone: run again"
        )
