"""What a domain's plan does about its MTA-STS policy (RFC 8461). Pure.

A sender looks at the TXT record at each delivery. Another id makes it fetch the policy, and if that fails it
keeps the one that it has. So these hold at every moment, also after a run that is cut off:

| what happens                   | when                                                                   |
| ------------------------------ | ---------------------------------------------------------------------- |
| the TXT gets another id        | the policy of this id is served                                        |
| an MX comes (if a policy of    | the TXT of a policy that lists it has stood for its TTL; if that one   |
| ours may be kept by a sender)  | is enforced, only to a host whose certificate senders accept           |
| an MX goes                     | no MX waits; the TXT notes in the same batch until when it may be kept |
| a name goes from the policy    | no MX leads to it, and that time is over                               |
| a policy is enforced           | senders accept the certificate of every host that they may come to     |
| nothing is served any more     | `mode: none` stood for as long as a policy of ours may be kept         |

A policy with `mode: none`, by which the one before is taken back, is called its farewell in code and docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dns.mta_sts import announced as txt
from dns.mta_sts.modes import mode_for
from dns.mta_sts.policy import TXT_TTL, Policy
from dns.mta_sts.values import (
    AGES,
    ANNOUNCED,
    LATER,
    NONE,
    NOW,
    UPLOADED,
    Asked,
    Known,
    PolicyPlan,
    listed_until,
)
from dns.names import a_label
from dns.records import ADDRESS_TYPES, ZoneRecord, is_ours
from dns.until import AUTOMATIC_SECONDS, PROPAGATION, WITHDRAWN, after, said_in_words, seconds_of, until_of


def decide(asked: Asked, found: Sequence[ZoneRecord], known: Known, now: datetime) -> PolicyPlan:
    """Decide for the records of the zone that were `found`. Called again after each change of a run."""
    ours = txt.find(asked.domain, found)
    mx = [held.record for held in found if (held.record.type, held.record.name) == ("MX", asked.domain)]
    names = {record.content for record in mx if record.content != "."}
    ttl = max((seconds_of(record.ttl) for record in mx), default=AUTOMATIC_SECONDS)
    bare = PolicyPlan(asked.mode, ours=ours, ttl=ttl, elsewhere=known.elsewhere)
    if asked.forget:
        return replace(bare, remove=known.hosted or ours.held is not None, at_once=True)
    if asked.ending or asked.mode == "none":
        made = _farewell(asked, bare, names, known, now)
    elif asked.mode:
        made = _wanted(bare, asked, names, _old_names(asked.domain, found, now), known, now)
    else:
        made = _left_out(asked.domain, bare)
    return _gated(made, asked, set(asked.hosts) - names, known, now) if names != set(asked.hosts) else made


def _old_names(domain: str, found: Iterable[ZoneRecord], now: datetime) -> dict[str, datetime]:
    """Names that a sender may still come to by an MX that went, and until when (`dns.until`).

    They are old names of mail hosts, and the record that says that the domain was withdrawn.
    """
    times: dict[str, datetime] = {}
    for record in (held.record for held in found if is_ours(held.record)):
        until = until_of(record)
        if (record.type in ADDRESS_TYPES or record.name == f"{WITHDRAWN}.{domain}") and until and until.time:
            times[record.name] = max(until.time, times.get(record.name, until.time))
    return {name: time for name, time in times.items() if time > now}


def _farewell(asked: Asked, plan: PolicyPlan, mx: set[str], known: Known, now: datetime) -> PolicyPlan:
    ours = plan.ours
    if ours.held is None:
        return replace(plan, remove=known.hosted)
    begun = ours.ends and ours.id == NONE.id and ours.until is not None
    if begun and ours.until and ours.until <= now:
        return replace(plan, remove=True)
    plan = _served(replace(plan, publish=NONE), known)
    if begun:
        return replace(plan, record=ours.held.record, until=ours.until)
    until = max(filter(None, (after(now, _age(plan, {*asked.hosts, *mx}, known)), ours.kept, ours.until)))
    return replace(plan, record=txt.ending(asked.domain, NONE.id, until), until=until)


def _wanted(
    plan: PolicyPlan, asked: Asked, mx: set[str], old: dict[str, datetime], known: Known, now: datetime
) -> PolicyPlan:
    ours, served = plan.ours, known.served.policy
    base = {*asked.hosts, *asked.missing, *mx}
    extra = set(served.mx) - base if served and not ours.ends else set()
    noted = ours.leaving if ours.leaving and ours.leaving > now else None
    leaving = max(filter(None, (noted, old.get(f"{WITHDRAWN}.{asked.domain}"))), default=None)
    if extra and ours.leaving is None:
        leaving = after(now, plan.ttl)  # somebody took an MX away, and nobody noted when
    lines = tuple(sorted({*filter(_can_be_listed, base), *_hosts_of(old), *(extra if leaving else ())}))
    is_new = ours.held is None and not mx and not old
    chosen = mode_for(asked, lines, known, ours, leaving, is_new=is_new)
    if chosen.mode is None:
        return replace(plan, waiting=(f"{asked.domain}: {chosen.why}",))
    if chosen.is_early and leaving is None:
        leaving = after(now, plan.ttl)
    notes = [f"{asked.domain}: {chosen.why}"] if chosen.why else []
    if chosen.mode != asked.mode and (soon := [*old.values(), *([leaving] if leaving else [])]):
        notes.append(f"{asked.domain}: run this or deploy again after {said_in_words(max(soon))}")
    elif extra and leaving:
        notes.append(listed_until(asked.domain, " and ".join(sorted(extra)), leaving))
    wanted = Policy(chosen.mode, lines, AGES[chosen.mode])
    plan = _served(replace(plan, publish=wanted, notes=tuple(notes)), known)
    if ours.held and ours.id == wanted.id and not ours.ends:
        times = (leaving or ours.leaving, ours.kept)
    else:
        age = _age(plan, base, known)
        kept = max(filter(None, (ours.kept, ours.until)), default=None)
        if ours.held and age > wanted.max_age:
            kept = max(filter(None, (kept, after(now, age))))
        times = (leaving, kept if kept and kept > now else None)
    return replace(plan, record=txt.announcing(asked.domain, wanted.id, *times, ours))


def _can_be_listed(hostname: str) -> bool:
    """Whether a policy may name the host. An MX of somebody else may lead to any name."""
    try:
        return a_label(hostname) == hostname
    except ValueError:
        return False


def _hosts_of(old: Iterable[str]) -> set[str]:
    return {name for name in old if not name.startswith(f"{WITHDRAWN}.")}


def _left_out(domain: str, plan: PolicyPlan) -> PolicyPlan:
    """The inventory says nothing of a policy, so the one that stands stays as it is."""
    if plan.ours.held is None:
        return plan
    if plan.ours.ends:
        note = (
            'its MTA-STS policy was taken back, and what is left of it stays: write "mta_sts": "none" until'
        )
        note += f" it is gone ({said_in_words(plan.ours.until)})" if plan.ours.until else " it is gone"
    else:
        note = (
            'its MTA-STS policy stays as it is, because the inventory has no "mta_sts": write "testing" or '
            '"enforce", or "none" to take it back'
        )
    return replace(plan, notes=(f"{domain}: {note}",))


def _served(plan: PolicyPlan, known: Known) -> PolicyPlan:
    """The plan with what it takes until its policy is served.

    What is fetched may be about to vanish: a Worker that was removed is still served for a moment. So before
    the TXT record gets another id, Cloudflare must have the policy, too.
    """
    assert plan.publish
    text, told = plan.publish.text, plan.ours.id == plan.publish.id
    uploaded = known.uploaded(text)
    right = known.served.text == text and (told or uploaded)
    return replace(plan, right=right, upload=not right and not uploaded)


def _age(plan: PolicyPlan, hosts: Iterable[str], known: Known) -> int:
    """For how many seconds senders keep the policy that the TXT record tells of now: too long if in doubt."""
    likely = Policy("testing", tuple(sorted(hosts)), AGES["testing"])
    for policy in (known.served.policy, known.announced, likely, NONE):
        if policy and policy.id == plan.ours.id:
            return policy.max_age
    return max(AGES.values())


def _gated(plan: PolicyPlan, asked: Asked, coming: set[str], known: Known, now: datetime) -> PolicyPlan:
    """The plan with the moment when MX records may change. To the hosts in `coming` no MX leads yet."""
    ours, served = plan.ours, known.served.policy
    strange = served is not None and served.mode != "none" and not all(map(served.lists, coming))
    if ours.held is None and not (strange and plan.publish):  # else somebody deleted the TXT record
        return replace(plan, mx=UPLOADED if plan.upload and asked.mode == "enforce" else NOW)
    if not coming:
        return plan
    doubtful = sorted(name for name in coming if known.certificates.get(name) != "")
    if served and served.id == ours.id and _stood(ours, known, now):
        listed = served.mode == "none" or all(map(served.lists, coming))
        if listed and not (served.mode == "enforce" and doubtful):
            return plan
    if not asked.mode:
        return replace(plan, mx=LATER, waiting=(*plan.waiting, _unlisted(asked.domain, coming, known)))
    if plan.publish is None:
        return replace(plan, mx=LATER)
    if plan.publish.mode == "enforce" and doubtful:
        why = known.unread.get(doubtful[0], "it was not asked")
        line = (
            f"{asked.domain}: no MX leads to {' and '.join(doubtful)} yet, because the policy is enforced, "
            f"and whether senders accept its certificate is not known ({why}): run again when it is"
        )
        return replace(plan, mx=LATER, waiting=(*plan.waiting, line))
    return replace(plan, mx=ANNOUNCED)


def _unlisted(domain: str, coming: Iterable[str], known: Known) -> str:
    names = " and ".join(sorted(coming))
    why = f" ({known.served.failure})" if known.served.failure else ""
    return (
        f"{domain}: no MX leads to {names} yet, because the MTA-STS policy that stands is not known to list "
        f'that host{why}, and senders would defer: write "mta_sts": "testing" for the domain, or "none"'
    )


def _stood(ours: txt.Announced, known: Known, now: datetime) -> bool:
    """Whether nobody keeps an older TXT record than the one that stands."""
    if ours.id is None or ours.held is None:
        return False
    if known.stood == ours.id:
        return True
    try:
        since = datetime.fromisoformat(ours.held.modified)
    except ValueError:
        return False
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    return now >= since + timedelta(seconds=TXT_TTL + PROPAGATION)
