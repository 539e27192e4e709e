"""A change that a run made, as it is kept for `--undo`: a value, and its JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dns.mta_sts.policy import LABEL
from dns.plan import Change, Plan
from dns.records import Record, ZoneRecord


@dataclass(frozen=True, slots=True)
class Saved:
    """What a run changed. A posted record has its identifier if that is known, else an empty one."""

    zone: str
    zone_id: str
    posted: tuple[ZoneRecord, ...]
    patched: tuple[Change, ...]
    deleted: tuple[Record, ...]


def saved_from(zone: str, zone_id: str, plan: Plan, posted: Iterable[ZoneRecord] | None = None) -> Saved:
    """Return what the plan changes. `posted` are its new records with identifiers, if these are known.

    The TXT record of an MTA-STS policy is not among it: senders keep the policy that it tells of.
    """
    new = (ZoneRecord("", record) for record in plan.posts) if posted is None else posted
    return Saved(
        zone,
        zone_id,
        tuple(held for held in new if not _tells_of_policy(held.record)),
        tuple(change for change in plan.patches if not _tells_of_policy(change.after)),
        tuple(held.record for held in plan.deletes if not _tells_of_policy(held.record)),
    )


def joined(first: Saved | None, then: Saved) -> Saved:
    """Return two changes, one after the other, as one."""
    if first is None:
        return then
    later = {change.before.id: change.after for change in then.patched}
    earlier = {change.before.id for change in first.patched}
    posted = {held.id for held in first.posted if held.id}
    return Saved(
        then.zone,
        then.zone_id,
        (*(replace(held, record=later.get(held.id, held.record)) for held in first.posted), *then.posted),
        (
            *(replace(change, after=later.get(change.before.id, change.after)) for change in first.patched),
            *(change for change in then.patched if change.before.id not in posted | earlier),
        ),
        (*first.deleted, *then.deleted),
    )


def _tells_of_policy(record: Record) -> bool:
    return record.type == "TXT" and record.name.startswith(f"{LABEL}.")


def to_text(saved: Saved) -> str:
    """Return the change as JSON text."""
    return json.dumps(
        {
            "zone": saved.zone,
            "zone_id": saved.zone_id,
            "posted": [{"id": held.id, "record": asdict(held.record)} for held in saved.posted],
            "patched": [
                {"id": c.before.id, "before": asdict(c.before.record), "after": asdict(c.after)}
                for c in saved.patched
            ],
            "deleted": [asdict(record) for record in saved.deleted],
        },
        indent=1,
    )


def parse_saved(text: str) -> Saved:
    """Read the text of `to_text`. Raises ValueError for anything else."""
    found = json.loads(text)
    try:
        return _saved(found)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it does not hold a change: {error!r}") from None


def _saved(found: Any) -> Saved:
    return Saved(
        zone=_string(found["zone"]),
        zone_id=_string(found.get("zone_id", "")),
        posted=tuple(
            # Older files hold only the record here, without an identifier.
            ZoneRecord(_string(each.get("id", "")), _record(each.get("record", each)))
            for each in found["posted"]
        ),
        patched=tuple(
            Change(ZoneRecord(_string(each["id"]), _record(each["before"])), _record(each["after"]))
            for each in found["patched"]
        ),
        deleted=tuple(_record(each) for each in found["deleted"]),
    )


def _record(fields: Mapping[str, object]) -> Record:
    priority, ttl, extras = fields["priority"], fields["ttl"], fields.get("extras", {})
    comment, proxied = fields["comment"], fields["proxied"]
    if (
        not isinstance(ttl, int)
        or not isinstance(priority, int | None)
        or not isinstance(extras, Mapping)
        or not isinstance(comment, str | None)
        or not isinstance(proxied, bool)
    ):
        raise ValueError("a record has a field of a wrong type")
    record = Record(
        _string(fields["type"]), _string(fields["name"]), _string(fields["content"]), priority, ttl
    )
    return replace(record, proxied=proxied, comment=comment, extras=dict(extras))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is where a text should be")
    return value
