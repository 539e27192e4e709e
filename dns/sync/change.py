"""Making a domain's records what a plan says: one transaction, whose outcome is known or said to be unknown.

A deploy calls this, and so does `python -m dns.sync`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dns.cloudflare.outcome import Outcome
from dns.cloudflare.refusals import ALREADY_THERE, NOT_THERE
from dns.cloudflare.zones import Zones
from dns.dane.decision import registrar_line
from dns.errors import Blocked, ChangedBut, OutcomeUnknown, Refused, SyncError
from dns.plan import Plan, count_not_visible
from dns.records import ZoneRecord, same
from dns.sync.prepared import Prepared
from dns.sync.report import summary
from dns.sync.saved import Saved, joined, saved_from
from dns.sync.undo_file import Pending

WRITE_ATTEMPTS = 3  # if each time somebody else's run changes the zone first


@dataclass(slots=True)
class Run:
    """What the transactions of one run have changed so far. `--undo` takes all of it back."""

    saved: Saved | None = None


def apply(prepared: Prepared, *, zones: Zones | None = None, run: Run | None = None) -> Plan:
    """Make the changes of the plan, in one request and one transaction. Without changes nothing is sent.

    The changes are first written down on this machine, for `--undo`, with those that the `run` made before.
    If Cloudflare refuses because somebody else's run came first, the zone is read again, and what is left is
    changed. Returns the plan as it was made: what stays for a time stays from this moment on.

    Raises Blocked, before anything is sent, if something is in the way; SyncError if nothing was changed;
    OutcomeUnknown if it is not known whether anything was; ChangedBut if the zone was changed, but not, or
    not only, as planned.
    """
    run = run or Run()
    for _ in range(WRITE_ATTEMPTS):
        if prepared.plan.obstacles:
            raise Blocked(prepared.blocked)
        if not prepared.changes:
            return _signed(prepared, zones, changed=False)
        prepared = replace(prepared, plan=prepared.plan.dated(prepared.clock()))
        zones = zones or Zones()
        refused = _send(prepared, zones, run)
        if refused is None:
            return _signed(prepared, zones, changed=True)
        prepared = replace(prepared, plan=prepared.planned_on(_read_again(prepared, zones, refused)))
    if prepared.changes or prepared.plan.obstacles:
        raise SyncError(f"{refused}; nothing was changed in {WRITE_ATTEMPTS} attempts")
    return _signed(prepared, zones, changed=False)


def _signed(prepared: Prepared, zones: Zones | None, *, changed: bool) -> Plan:
    """Switch DNSSEC on if the plan asks for it. Returns the plan, with the DS to hand to the registrar."""
    if not prepared.plan.signing:
        return prepared.plan
    try:
        dnssec = (zones or Zones()).sign(prepared.zone)
    except SyncError as error:
        problem = f"{prepared.domain.name}: DNSSEC could not be switched on: {error}"
        raise (ChangedBut if changed else SyncError)(problem) from None
    return replace(prepared.plan, registrar=registrar_line(prepared.zone.name, dnssec))


def _send(prepared: Prepared, zones: Zones, run: Run) -> Refused | None:
    """Send the plan once. Returns None if it was made, and the refusal if somebody else came first."""
    name, zone = prepared.domain.name, prepared.zone
    pending = Pending(name, joined(run.saved, saved_from(zone.name, zone.id, prepared.plan)))
    try:
        outcome = zones.change(zone, prepared.plan)
    except OutcomeUnknown as error:
        _settle(prepared, zones, pending, run, str(error))
        return None
    except Refused as error:
        pending.forget()
        if error.code in (*ALREADY_THERE, *NOT_THERE):
            return error
        raise
    except SyncError:
        pending.forget()  # nothing was sent
        raise
    if outcome.unconfirmed:
        _settle(prepared, zones, pending, run, "; ".join(outcome.unconfirmed), outcome)
    else:
        run.saved = joined(run.saved, saved_from(zone.name, zone.id, outcome.plan, outcome.posted))
        pending.made(run.saved)
    if outcome.edited:
        raise ChangedBut(
            f"{name}: changed, but somebody had edited these records after they were read, and they are "
            f"deleted: {'; '.join(outcome.edited)}: to take back all of this run, run python -m dns.sync "
            f"{name} --undo"
        )
    return None


def _settle(
    prepared: Prepared,
    zones: Zones,
    pending: Pending,
    run: Run,
    problem: str,
    outcome: Outcome | None = None,
) -> None:
    """Read the zone after a write of unknown outcome. Raises SyncError if the zone is not as planned."""
    name, zone = prepared.domain.name, prepared.zone
    try:
        found = zones.records(zone)
    except SyncError as again:
        raise OutcomeUnknown(
            f"{problem}; whether {name} was changed is unknown, because it cannot be read either "
            f"({again}): run again when it can be read"
        ) from None
    left, missing = prepared.planned_on(found), count_not_visible(prepared.plan, found)
    if missing == prepared.changes:
        pending.forget()
        if not left.settled:
            raise SyncError(f"{problem}; read again: nothing was changed: run again")
    elif missing == 0 or (outcome is not None and outcome.confirmed):
        made = outcome.plan if outcome else prepared.plan
        run.saved = joined(run.saved, saved_from(zone.name, zone.id, made, _as_found(made, found)))
        pending.made(run.saved)
        if not left.settled:
            raise ChangedBut(f"{problem}; read again: it was changed, but {summary(name, left)}: run again")
    elif not left.settled:
        raise OutcomeUnknown(
            f"{problem}; read again: somebody else changes {name} too, and whether this run did is unknown "
            f"({summary(name, left)}): run again"
        )


def _as_found(made: Plan, found: Iterable[ZoneRecord]) -> list[ZoneRecord]:
    """The new records of the plan with the identifiers that they have in the zone."""
    there = list(found)
    return [
        next((held for held in there if same(held.record, record)), ZoneRecord("", record))
        for record in made.posts
    ]


def _read_again(prepared: Prepared, zones: Zones, refused: Refused) -> tuple[ZoneRecord, ...]:
    try:
        return zones.records(prepared.zone)
    except SyncError as again:
        raise SyncError(
            f"{refused}; nothing was changed, and {prepared.domain.name} cannot be read again ({again}): "
            "run again when it can be read"
        ) from None
