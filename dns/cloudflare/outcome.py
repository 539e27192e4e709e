"""What the answer to a batch confirms of a plan. Pure.

The answer holds the new and changed records as they are now, and the deleted records as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dns.cloudflare.api_records import from_api
from dns.plan import Change, Plan
from dns.records import ZoneRecord, difference, same


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the answer to a batch says about the plan.

    `plan` is the plan with its records as they were answered, and the deleted records as they really were.
    `posted` are the new records in the plan's order. A record that was not answered has no identifier.
    `unconfirmed` says what the answer does not confirm. `edited` names the deleted records that somebody had
    edited since they were read.
    """

    plan: Plan
    posted: tuple[ZoneRecord, ...]
    unconfirmed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    confirmed: bool = True
    """Whether anything is confirmed. Then everything was carried out, because a batch is one transaction."""


def outcome_from(plan: Plan, answer: Mapping[str, object]) -> Outcome:
    """Read what the answer to the plan's batch confirms."""
    result = answer.get("result")
    returned = result if isinstance(result, Mapping) else {}
    unconfirmed: list[str] = []
    posts, patches, deletes = (_records(returned.get(kind)) for kind in ("posts", "patches", "deletes"))
    posted: list[ZoneRecord] = []
    for record in plan.posts:
        held = next((held for held in posts if same(held.record, record)), None)
        posted.append(held or ZoneRecord("", record))
        if held is None:
            unconfirmed.append(f"{record.zone_line}: Cloudflare did not confirm it")
        else:
            posts.remove(held)
    changes: list[Change] = []
    for change in plan.patches:
        held = next((held for held in patches if held.id == change.before.id), None)
        if held is not None and same(held.record, change.after):
            changes.append(replace(change, after=held.record))
        else:
            changes.append(change)
            unconfirmed.append(f"{change.after.zone_line}: Cloudflare did not confirm it")
    was = {held.id: held for held in deletes}
    deleted = {str(item.get("id")) for item in _mappings(returned.get("deletes"))}
    if any(held.id not in deleted for held in plan.deletes):
        unconfirmed.append("Cloudflare did not confirm every deletion")
    return Outcome(
        replace(
            plan,
            patches=tuple(changes),
            deletes=tuple(was.get(held.id, held) for held in plan.deletes),
        ),
        tuple(posted),
        tuple(unconfirmed),
        tuple(
            difference(held.record, was[held.id].record)
            for held in plan.deletes
            if held.id in was and not same(was[held.id].record, held.record)
        ),
        confirmed=bool(deleted & {held.id for held in plan.deletes})
        or any(held.id for held in posted)
        or any(held.id == change.before.id for held in patches for change in plan.patches),
    )


def _records(items: object) -> list[ZoneRecord]:
    """Those of the items that can be read as records."""
    found: list[ZoneRecord] = []
    for item in _mappings(items):
        try:
            found.append(from_api(item))
        except ValueError:
            continue
    return found


def _mappings(items: object) -> list[Mapping[str, object]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
