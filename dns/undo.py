"""What the last run changed in a domain's zone, kept on this machine, and how to put it back.

Only what that run changed is put back, and only where nobody has changed it since. The file is in
``$XDG_STATE_HOME/letterbox/dns`` (by default ``~/.local/state``), one for each domain; it holds
records, and no token.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import get_ident

from dns.cloudflare_zone import OutcomeUnknown, Zone, Zones
from dns.errors import Refused, SyncError
from dns.plan import Change, Plan
from dns.records import Record, ZoneRecord


@dataclass(frozen=True, slots=True)
class Saved:
    """What a run changed."""

    zone: str
    posted: tuple[Record, ...]
    patched: tuple[Change, ...]
    deleted: tuple[Record, ...]


def saved_from(zone: str, plan: Plan) -> Saved:
    """What carrying out the plan changes."""
    return Saved(zone, plan.posts, plan.patches, tuple(held.record for held in plan.deletes))


def way_back(saved: Saved, actual: Iterable[ZoneRecord]) -> Plan:
    """The plan that puts back what was changed; what has changed since is noted and stays. Pure."""
    there = {held.id: held for held in actual}
    by_value = {held.record.value: held for held in there.values()}
    deletes, patches, posts, notes = [], [], [], []
    for record in saved.posted:
        held = by_value.get(record.value)
        if held and held.record == record:
            deletes.append(held)
        elif held:
            notes.append(f"{record.shown}: has changed since, and stays")
    for change in saved.patched:
        held = there.get(change.before.id)
        if held and held.record == change.after:
            patches.append(Change(held, change.before.record))
        elif not held or held.record != change.before.record:
            notes.append(f"{change.after.shown}: has changed since, and stays as it is")
    for record in saved.deleted:
        if record.value in by_value:
            notes.append(f"{record.shown}: is there again already")
        else:
            posts.append(record)
    return Plan((), tuple(posts), tuple(patches), tuple(deletes), notes=tuple(notes))


@contextmanager
def kept(domain: str, zone: str, plan: Plan) -> Iterator[None]:
    """Keep what the block changes by the plan; forget it again if Cloudflare refuses the change."""
    path = file_of(domain)
    # Runs at once each have a file of their own until the change is made.
    new = path.with_suffix(f".{os.getpid()}-{get_ident()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(_text(saved_from(zone, plan)), encoding="utf-8")
    except OSError as error:
        raise SyncError(
            f"{new}: what is about to be changed cannot be kept ({error.strerror}): "
            "set XDG_STATE_HOME to a folder that can be written"
        ) from None
    try:
        yield
    except Refused:
        new.unlink(missing_ok=True)
        raise
    except BaseException:
        # It may have been made: what was not is seen when it is compared.
        new.replace(path)
        raise
    new.replace(path)


def read(domain: str) -> Saved:
    """What the last run changed. Raises SyncError where none is known."""
    path = file_of(domain)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Saved(
            zone=str(found["zone"]),
            posted=tuple(_record(plain) for plain in found["posted"]),
            patched=tuple(
                Change(ZoneRecord(str(plain["id"]), _record(plain["before"])), _record(plain["after"]))
                for plain in found["patched"]
            ),
            deleted=tuple(_record(plain) for plain in found["deleted"]),
        )
    except FileNotFoundError:
        raise SyncError(
            f"{domain}: no change to undo is known on this machine ({path} is not there)"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SyncError(f"{path}: cannot be read ({error}): delete it, and make the change by hand") from None


def forget(domain: str) -> None:
    """Forget the last change, as it is undone."""
    with suppress(OSError):
        file_of(domain).unlink()


def file_of(domain: str) -> Path:
    """Where the last change of the domain is kept."""
    state = os.environ.get("XDG_STATE_HOME")
    return (
        (Path(state) if state else Path.home() / ".local" / "state") / "letterbox" / "dns" / f"{domain}.json"
    )


def _text(saved: Saved) -> str:
    return json.dumps(
        {
            "zone": saved.zone,
            "posted": [asdict(record) for record in saved.posted],
            "patched": [
                {"id": c.before.id, "before": asdict(c.before.record), "after": asdict(c.after)}
                for c in saved.patched
            ],
            "deleted": [asdict(record) for record in saved.deleted],
        },
        indent=1,
    )


def _record(plain: Mapping[str, object]) -> Record:
    return Record(**{field.name: plain[field.name] for field in fields(Record)})  # type: ignore[arg-type]


def plan_back(domain: str, zones: Zones) -> tuple[Zone, Plan]:
    """The zone as it is, in two requests, and the plan to put back what the last run changed."""
    saved = read(domain)
    zone = zones.holding(saved.zone)
    return zone, way_back(saved, zones.records(zone))


def put_back(domain: str, zone: Zone, plan: Plan, zones: Zones) -> None:
    """Carry out the plan, in one transaction, and forget the change that it undoes.

    Raises SyncError where Cloudflare refused (nothing was changed), or where it is not all put back.
    """
    saved = read(domain)
    if plan.changes:
        try:
            unlike = zones.change(zone, plan)
        except OutcomeUnknown as error:
            left = way_back(saved, zones.records(zone))
            if left.changes:
                raise SyncError(
                    f"{error}; read again: {left.changes} changes are not undone: run again"
                ) from None
            unlike = []
        if unlike:
            raise SyncError(f"{domain}: {'; '.join(unlike)}: run again to see what is there now")
    forget(domain)
