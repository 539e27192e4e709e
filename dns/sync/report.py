"""A plan for people and for programs: lines to read, coloured where asked, or JSON."""

import json
from collections import Counter
from collections.abc import Mapping

from dns.plan.matching import Plan
from dns.records import Record, difference

_COLOURS = {"+": 32, "-": 31, "~": 33, "!": 31, "=": 2, "i": 36}


def summary(domain: str, plan: Plan) -> str:
    """One line: in sync, or how much differs."""
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
    """The plan, a line for each record that is changed, in the way, or adopted."""
    in_the_way = plan.obstacles if obstacles else ()
    marked = [
        *(("-", held.record.shown) for held in plan.deletes),
        *(("~", difference(change.before.record, change.after)) for change in plan.patches),
        *(("+", record.shown) for record in plan.posts),
        *(("=", f"{held.record.shown} (already there, not ours, left as it is)") for held in plan.adopted),
        *(("i", note) for note in plan.notes),
        *(("!", str(obstacle)) for obstacle in dict.fromkeys(in_the_way)),
    ]
    return [
        f"  \x1b[{_COLOURS[mark]}m{mark} {text}\x1b[0m" if colour else f"  {mark} {text}"
        for mark, text in marked
    ]


def error_as_json(domain: str, error: str, *, applied: bool | None) -> str:
    """What can be said where it failed before there was a plan, as one JSON object."""
    return json.dumps({"domain": domain, "applied": applied, "error": error}, indent=2)


def as_json(domain: str, zone: str, plan: Plan, **more: object) -> str:
    """The plan as one JSON object; ``more`` is added to it."""
    return json.dumps(
        {
            "domain": domain,
            "zone": zone,
            "in_sync": plan.in_sync,
            "add": [_plain(record) for record in plan.posts],
            "change": [
                {"from": _plain(change.before.record), "to": _plain(change.after)} for change in plan.patches
            ],
            "delete": [_plain(held.record) for held in plan.deletes],
            "adopted": [_plain(held.record) for held in plan.adopted],
            "in_the_way": [
                {"record": _plain(o.record), "breaks": o.breaks, "mend": o.mend} for o in plan.obstacles
            ],
            "notes": list(plan.notes),
            **more,
        },
        indent=2,
    )


def _plain(record: Record) -> Mapping[str, object]:
    plain: dict[str, object] = {"type": record.type, "name": record.name, "content": record.content}
    if record.priority is not None:
        plain["priority"] = record.priority
    return {**plain, "ttl": record.ttl, "proxied": record.proxied}
