"""A plan as lines for people, in colour if asked, and as JSON for programs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from dns.mta_sts.values import PolicyPlan
from dns.plan import Change, Plan, Staying
from dns.records import Record, difference
from dns.terminal.colour import CYAN, FAINT, GREEN, RED, YELLOW, painted
from dns.until import said_in_words, to_text

_COLOURS = {"+": GREEN, "-": RED, "~": YELLOW, "!": RED, "=": FAINT, "i": CYAN}


def summary(domain: str, plan: Plan) -> str:
    """One line: in sync, or how many records differ. Records that stay for a time are counted last."""
    counts = [
        f"{len(items)} to {verb}"
        for verb, items in (("add", plan.posts), ("change", _changed(plan)), ("delete", plan.deletes))
        if items
    ]
    if plan.obstacles:
        counts.append(f"{len(plan.obstacles)} in the way")
    if plan.signing:
        counts.append("DNSSEC to switch on")
    if plan.policy.publish and not plan.policy.right:
        counts.append(f"MTA-STS policy to serve ({plan.policy.published})")
    if plan.policy.remove:
        counts.append("MTA-STS policy to take away")
    elif plan.policy.waiting:
        counts.append("MTA-STS waits")
    if plan.in_sync:
        kinds = Counter(record.type for record in plan.desired)
        held = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        counts.append(f"in sync ({held})" if held else "withdrawn")
    if plan.policy.publish and plan.policy.right:
        asked, published = plan.policy.mode, plan.policy.published
        if plan.policy.until:
            counts.append(f"MTA-STS policy taken back, stays until {said_in_words(plan.policy.until)}")
        elif asked != published:
            counts.append(f"MTA-STS {published}, not {asked}")
    old = [one for one in plan.staying if one.held]
    if old:
        when = f"until {said_in_words(plan.stay_until)}" if plan.stay_until else "for now"
        counts.append(f"{len(old)} old {'record stays' if len(old) == 1 else 'records stay'} {when}")
    return f"{domain}: {', '.join(counts)}"


def _changed(plan: Plan) -> list[Change]:
    """The changes of records, without those of the time until when one stays."""
    staying = {one.held.id for one in plan.staying if one.held}
    return [change for change in plan.patches if change.before.id not in staying]


def words(one: Staying) -> str:
    """The record and until when it stays, for people."""
    when = "for now" if one.until is None else f"until {said_in_words(one.until)}"
    return f"{one.record.zone_line} (ours, stays {when}: {one.reason})"


def lines(plan: Plan, *, colour: bool = False, obstacles: bool = True) -> list[str]:
    """A line for each record that changes, is in the way, or is adopted."""
    new = [one.record for one in plan.staying if one.held is None]
    in_the_way = plan.obstacles if obstacles else ()
    marked = [
        *(("-", held.record.zone_line) for held in plan.deletes),
        *(("~", difference(change.before.record, change.after)) for change in _changed(plan)),
        *(("+", record.zone_line) for record in plan.posts if record not in new),
        *(("=", words(one)) for one in plan.staying),
        *(("=", f"{held.record.zone_line} (already there, not ours, stays)") for held in plan.adopted),
        *(("i", note) for note in (*plan.notes, *plan.policy.waiting)),
        *(("!", str(obstacle)) for obstacle in dict.fromkeys(in_the_way)),
    ]
    return [f"  {painted(f'{mark} {text}', _COLOURS[mark], colour=colour)}" for mark, text in marked]


def next_steps(domain: str, plan: Plan, *, withdrawn: bool = False) -> list[str]:
    """What the user should do: hand a DS to the registrar; and when, because records stay for a time."""
    registrar = [*([plan.registrar] if plan.registrar else []), *farewell(domain, plan)]
    if not plan.staying:
        return registrar
    when = f"after {said_in_words(plan.stay_until)}" if plan.stay_until else "later"
    if withdrawn:
        until = f"until {said_in_words(plan.stay_until)}" if plan.stay_until else "for now"
        return [
            *registrar,
            f"{domain}: senders may still come {until}: take the domain out of the inventory now, but deploy "
            f"only {when}; the next run of this command then deletes what stays",
        ]
    return [
        *registrar,
        f"{domain}: old addresses stay, because a sender may still have the MX that led there: keep the "
        f"machine there running, and run this or deploy again {when}, which deletes them",
    ]


def farewell(domain: str, plan: Plan) -> list[str]:
    """Until when the policy that says `mode: none` must stand, if there is one. At most one line."""
    if plan.policy.until is None or plan.policy.remove:
        return []
    return [
        f"{domain}: senders may keep its MTA-STS policy until {said_in_words(plan.policy.until)}: what says "
        "that it is taken back stays until then, and the first run after that takes it away too"
    ]


def to_json(domain: str, zone: str, plan: Plan, **more: object) -> dict[str, object]:
    """The plan as an object for JSON. `more` is added to it.

    `kept` are records of ours that nothing asks for any more, and that stay until the time (RFC 3339), or for
    now if it is null. `sign` says whether DNSSEC is switched on, and `registrar` which DS the registrar is to
    get, or null. `mta_sts` is null if the domain has nothing to do with a policy of ours. Else `mode` is what
    the inventory says, `published` what senders get at the end of the run, `until` is how long a policy that
    is taken back stands, and `waiting` is what must be left for another run.
    """
    return {
        "domain": domain,
        "zone": zone,
        "in_sync": plan.in_sync,
        "add": [_record(record) for record in plan.posts],
        "change": [
            {"from": _record(change.before.record), "to": _record(change.after)} for change in _changed(plan)
        ],
        "delete": [_record(held.record) for held in plan.deletes],
        "adopted": [_record(held.record) for held in plan.adopted],
        "in_the_way": [
            {"record": _record(o.record), "breaks": o.breaks, "fix": o.fix} for o in plan.obstacles
        ],
        "kept": [
            {**_record(one.record), "until": one.until and to_text(one.until), "reason": one.reason}
            for one in plan.staying
        ],
        "sign": plan.signing,
        "registrar": plan.registrar or None,
        "mta_sts": _policy(plan.policy),
        "kept_until": plan.stay_until and to_text(plan.stay_until),
        "notes": list(plan.notes),
        **more,
    }


def _policy(policy: PolicyPlan) -> dict[str, object] | None:
    if not policy.touches:
        return None
    return {
        "mode": policy.mode or None,
        "published": policy.published or None,
        "until": policy.until and to_text(policy.until),
        "waiting": list(policy.waiting),
    }


def error_to_json(domain: str, error: str, *, applied: bool | None) -> dict[str, object]:
    """The object for JSON if the run failed before there was a plan."""
    return {"domain": domain, "applied": applied, "error": error}


def _record(record: Record) -> Mapping[str, object]:
    fields: dict[str, object] = {"type": record.type, "name": record.name, "content": record.content}
    if record.priority is not None:
        fields["priority"] = record.priority
    return {**fields, "ttl": record.ttl, "proxied": record.proxied}
