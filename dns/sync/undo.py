"""Undoing the last run's change of a zone: only what it changed, and only if nobody changed it since.

`undo_file` has kept on this machine what was changed. The zone says what is there now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime

from dns import tlsa
from dns.caa import properties
from dns.cloudflare.answers import Zone
from dns.cloudflare.zones import Zones
from dns.dane.facts import Outside, outside_of
from dns.errors import ChangedBut, OutcomeUnknown, SyncError
from dns.mta_sts import announced
from dns.plan import Change, Plan, count_not_visible
from dns.records import Record, ZoneRecord, same
from dns.sync import undo_file
from dns.sync.leaving import old_names
from dns.sync.policies import why_not
from dns.sync.saved import Saved


def reverse(saved: Saved, actual: Iterable[ZoneRecord]) -> Plan:
    """Plan what undoes the saved change. A record that has changed since stays, and a note says so. Pure."""
    there = {held.id: held for held in actual}
    by_value = {held.record.value: held for held in there.values()}
    deletes: list[ZoneRecord] = []
    patches: list[Change] = []
    posts: list[Record] = []
    notes: list[str] = []
    for made in saved.posted:
        held = there.get(made.id) if made.id else by_value.get(made.record.value)
        if held is None:
            if made.record.value in by_value:
                notes.append(f"{made.record.zone_line}: was made again since by somebody else, and stays")
        elif _can_be_undone(held, made.record, notes):
            deletes.append(held)
    for change in saved.patched:
        held = there.get(change.before.id)
        if held is None:
            notes.append(f"{change.after.zone_line}: has changed since, and stays as it is")
        elif held.record != change.before.record and _can_be_undone(held, change.after, notes):
            patches.append(Change(held, change.before.record))
    for record in saved.deleted:
        if record.value in by_value:
            notes.append(f"{record.zone_line}: is there again already")
        elif record.type == tlsa.TYPE:
            notes.append(f"{record.zone_line}: is not put back: the next run publishes the keys of the host")
        elif record.type == properties.TYPE and properties.names_account(record.content):
            # An account that is gone would let nobody renew the certificate.
            notes.append(
                f"{record.zone_line}: is not put back: the next run publishes the account of the host"
            )
        else:
            posts.append(record)
    whole = tuple(_whole_sets(deletes, there.values(), notes))
    return Plan((), tuple(posts), tuple(patches), whole, notes=tuple(notes))


def _whole_sets(
    deletes: Iterable[ZoneRecord], actual: Iterable[ZoneRecord], notes: list[str]
) -> Iterator[ZoneRecord]:
    """The records to delete, without the TLSA of a name that keeps others.

    The host may serve one of those by now that would go, and senders would refuse it. Without any TLSA they
    take every key.
    """
    going = list(deletes)
    staying = {held.record.name for held in actual if held not in going and held.record.type == tlsa.TYPE}
    for held in going:
        if held.record.type == tlsa.TYPE and held.record.name in staying:
            notes.append(f"{held.record.zone_line}: stays, because the host may serve this key")
        else:
            yield held


def _can_be_undone(held: ZoneRecord, after: Record, notes: list[str]) -> bool:
    if held.record != after:
        notes.append(f"{after.zone_line}: has changed since, and stays")
    elif held.locked:
        notes.append(f"{after.zone_line}: is read-only at Cloudflare now, and stays")
    else:
        return True
    return False


def count_visible(saved: Saved, actual: Iterable[ZoneRecord]) -> tuple[int, int]:
    """Count the saved changes that can be seen in the zone, and all of them. Pure."""
    there = {held.id: held.record for held in actual}
    values = {record.value for record in there.values()}
    visible = (
        sum(any(same(held, made.record) for held in there.values()) for made in saved.posted)
        + sum(same(there.get(change.before.id), change.after) for change in saved.patched)
        + sum(record.value not in values for record in saved.deleted)
    )
    return visible, len(saved.posted) + len(saved.patched) + len(saved.deleted)


def _now() -> datetime:
    return datetime.now(UTC)


def plan_undo(
    domain: str,
    zones: Zones,
    forgetting: Collection[str] | None = (),
    clock: Callable[[], datetime] = _now,
    *,
    resolver: str | None = None,
    outside: Outside | None = None,
) -> tuple[Zone, Plan]:
    """Read the zone in two requests, and plan what undoes the last run's change.

    If the zone has an MX afterwards too, the addresses of a name that an MX led to before stay for as long as
    a sender may keep that MX (`old_names`), unless `forgetting` holds the name. None means any name.

    A change whose outcome was unknown counts as made if all of it can be seen in the zone, and as not made if
    nothing can. Raises SyncError if only a part can be seen, if no change is known, if it was made in another
    zone, or if it would put an MX back that the domain's MTA-STS policy does not list. `resolver` is as for
    `dns.sync`, and `outside` the world to ask for that policy.
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
                f"({saved.zone_id or 'its identifier is not known'}), so nothing was undone: use a token "
                f"that sees that zone, or delete {path}"
            )
        actual = actual or zones.records(zone)
        visible, changes = count_visible(saved, actual)
        if certain or visible == changes:
            made = _keep_led(reverse(saved, actual), domain, actual, forgetting, clock())
            _refuse_unlisted(made, domain, actual, outside or outside_of(resolver))
            return zone, made
        if visible:
            raise SyncError(
                f"{domain}: it is unknown whether the last run changed the zone: {visible} of {changes} "
                "changes can be seen, which may be somebody else's; nothing was undone: undo it by hand, and "
                f"delete {path}"
            )
    raise SyncError(
        f"{domain}: no change to undo is known on this machine ({undo_file.file_of(domain)} does not exist)"
    )


def _refuse_unlisted(plan: Plan, domain: str, actual: Iterable[ZoneRecord], outside: Outside) -> None:
    """Raise SyncError if the plan makes an MX to a host that the domain's MTA-STS policy does not list."""
    ours = announced.find(domain, actual)
    coming = [record.content for record in plan.posts if (record.type, record.name) == ("MX", domain)]
    if not coming or ours.held is None:
        return
    served = outside.policy(domain)
    policy = served.policy
    if policy and (policy.mode == "none" or all(map(policy.lists, coming))):
        return
    why = "does not list" if policy else f"is not known ({why_not(served)}), so it may not list"
    raise SyncError(
        f"{domain}: nothing was undone, because the MTA-STS policy that senders keep {why} "
        f"{' and '.join(coming)}: put that host back into the inventory, and run python -m dns.sync "
        f"{domain}, which publishes the policy first"
    )


def _keep_led(
    plan: Plan,
    domain: str,
    actual: tuple[ZoneRecord, ...],
    forgetting: Collection[str] | None,
    now: datetime,
) -> Plan:
    """The plan with the addresses among `staying` that a sender may come to by an MX that it takes away.

    A zone that has no MX any more takes no mail, so there is nothing to keep them for.
    """
    going = {held.id for held in plan.deletes}
    after = [*plan.posts, *(held.record for held in actual if held.id not in going)]
    if forgetting is None or not any(record.type == "MX" and record.content != "." for record in after):
        return plan
    led = {held.record.content for held in plan.deletes if held.record.type == "MX"}
    free = {name for name in old_names.withdrawn(plan, actual) if name not in led}
    question = old_names.Question(
        actual, domain, (), {*forgetting, *free}, lambda names, cached_only: [], now
    )
    return old_names.keep(plan, question)


def apply(domain: str, zone: Zone, plan: Plan, zones: Zones, clock: Callable[[], datetime] = _now) -> Plan:
    """Carry out the plan in one transaction, and forget the change that it undoes.

    Returns the plan as it was carried out: what stays for a time stays from this moment on.

    Raises SyncError if Cloudflare refused (nothing was changed), or if not everything is undone.
    """
    edited: tuple[str, ...] = ()
    plan = plan.dated(clock())
    if plan.changes:
        try:
            outcome = zones.change(zone, plan)
            edited, problem = outcome.edited, "; ".join(outcome.unconfirmed)
        except OutcomeUnknown as error:
            problem = str(error)
        if problem:
            _settle(domain, zone, plan, zones, problem)
    undo_file.forget(domain)
    if edited:
        raise ChangedBut(
            f"{domain}: undone, but somebody had edited these records after they were read, and they are "
            f"deleted: {'; '.join(edited)}: make them again if they should stay"
        )
    return plan


def _settle(domain: str, zone: Zone, plan: Plan, zones: Zones, problem: str) -> None:
    """Read the zone after an undo whose outcome is unknown. Raises SyncError if not everything is undone."""
    try:
        left = count_not_visible(plan, zones.records(zone))
    except SyncError as again:
        raise OutcomeUnknown(
            f"{problem}; whether it was undone is unknown, because {domain} cannot be read either ({again}): "
            "run again when it can be read"
        ) from None
    if left:
        raise (ChangedBut if left < plan.changes else SyncError)(
            f"{domain}: {problem}; read again: {left} of {plan.changes} changes are not undone: run again"
        )
