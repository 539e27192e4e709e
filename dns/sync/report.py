"""A plan as lines for people, in colour if asked, and as JSON for programs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from dns.plan import Plan
from dns.records import Record, difference
from dns.terminal.colour import CYAN, FAINT, GREEN, RED, YELLOW, painted

_COLOURS = {"+": GREEN, "-": RED, "~": YELLOW, "!": RED, "=": FAINT, "i": CYAN}


def summary(domain: str, plan: Plan) -> str:
    """One line: in sync, or how many records differ."""
    if plan.in_sync:
        kinds = Counter(record.type for record in plan.desired)
        return f"{domain}: in sync ({', '.join(f'{kind} {count}' for kind, count in kinds.items())})"
    counts = [
        f"{len(items)} to {verb}"
        for verb, items in (("add", plan.posts), ("change", plan.patches), ("delete", plan.deletes))
        if items
    ]
    if plan.obstacles:
        counts.append(f"{len(plan.obstacles)} in the way")
    return f"{domain}: {', '.join(counts)}"


def lines(plan: Plan, *, colour: bool = False, obstacles: bool = True) -> list[str]:
    """A line for each record that changes, is in the way, or is adopted."""
    in_the_way = plan.obstacles if obstacles else ()
    marked = [
        *(("-", held.record.zone_line) for held in plan.deletes),
        *(("~", difference(change.before.record, change.after)) for change in plan.patches),
        *(("+", record.zone_line) for record in plan.posts),
        *(("=", f"{held.record.zone_line} (already there, not ours, stays)") for held in plan.adopted),
        *(("i", note) for note in plan.notes),
        *(("!", str(obstacle)) for obstacle in dict.fromkeys(in_the_way)),
    ]
    return [f"  {painted(f'{mark} {text}', _COLOURS[mark], colour=colour)}" for mark, text in marked]


def to_json(domain: str, zone: str, plan: Plan, **more: object) -> dict[str, object]:
    """The plan as an object for JSON. `more` is added to it.

    `mend` is the old name of `fix`, and goes after one release.
    """
    return {
        "domain": domain,
        "zone": zone,
        "in_sync": plan.in_sync,
        "add": [_record(record) for record in plan.posts],
        "change": [
            {"from": _record(change.before.record), "to": _record(change.after)} for change in plan.patches
        ],
        "delete": [_record(held.record) for held in plan.deletes],
        "adopted": [_record(held.record) for held in plan.adopted],
        "in_the_way": [
            {"record": _record(o.record), "breaks": o.breaks, "fix": o.fix, "mend": o.fix}
            for o in plan.obstacles
        ],
        "notes": list(plan.notes),
        **more,
    }


def error_to_json(domain: str, error: str, *, applied: bool | None) -> dict[str, object]:
    """The object for JSON if the run failed before there was a plan."""
    return {"domain": domain, "applied": applied, "error": error}


def _record(record: Record) -> Mapping[str, object]:
    fields: dict[str, object] = {"type": record.type, "name": record.name, "content": record.content}
    if record.priority is not None:
        fields["priority"] = record.priority
    return {**fields, "ttl": record.ttl, "proxied": record.proxied}
