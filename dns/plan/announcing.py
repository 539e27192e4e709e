"""A plan and the MTA-STS policy of its domain: the TXT record, MX that wait, and what is in the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from dns.mta_sts.announced import name_of, remembering
from dns.mta_sts.policy import is_record, policy_host
from dns.mta_sts.values import LATER, NOW, PolicyPlan, listed_until
from dns.names import is_within
from dns.plan import products
from dns.plan.changes import Change, Plan
from dns.plan.obstacles import Obstacle, delegation
from dns.records import ADDRESS_TYPES, Record, ZoneRecord, same
from dns.until import after, seconds_of

_BY_HAND = "delete it in the dashboard (DNS > Records), and run again"


def waiting(plan: Plan, policy: PolicyPlan, domain: str, *, whole: bool) -> Plan:
    """The plan without the changes of MX that must wait: beyond this run, and also in it unless `whole`.

    While an MX that comes waits, none goes. An MX that gets another preference does not wait.
    """
    if policy.mx == NOW or (whole and policy.mx != LATER):
        return plan
    return replace(
        plan,
        desired=tuple(record for record in plan.desired if not _is_mx(record, domain)),
        posts=tuple(record for record in plan.posts if not _is_mx(record, domain)),
        deletes=tuple(held for held in plan.deletes if not _is_mx(held.record, domain)),
    )


def announced(
    plan: Plan,
    policy: PolicyPlan,
    domain: str,
    found: Sequence[ZoneRecord],
    now: datetime,
    *,
    zone: str,
    whole: bool,
) -> Plan:
    """The plan with the TXT record of the policy, for the `whole` run or for what may be done now.

    An MX of the plan that goes is noted there: until when a sender may have it.
    """
    if not policy.touches:
        return plan
    standing = policy.ours.held
    plan = replace(
        plan,
        policy=policy,
        notes=(*plan.notes, *policy.notes),
        obstacles=(*plan.obstacles, *_obstacles(policy, domain, found, zone)),
        deletes=(*plan.deletes, *policy.ours.more),
    )
    if policy.remove:
        return replace(plan, deletes=(*plan.deletes, standing)) if standing else plan
    record = policy.record if whole else policy.next_record
    if record is None and standing:
        record = standing.record
    going = [seconds_of(held.record.ttl) for held in plan.deletes if _is_mx(held.record, domain)]
    if record and going and policy.until is None and not policy.ours.ends:
        until = max([after(now, max(going)), *filter(None, [policy.ours.leaving])])
        record = remembering(record, domain, policy.ours, until)
        gone = [held.record.content for held in plan.deletes if _is_mx(held.record, domain)]
        notes = [listed_until(domain, " and ".join(gone), until), *_renamed(plan, policy, gone, found)]
        plan = replace(plan, notes=(*plan.notes, *notes))
    if record is None:
        return plan
    plan = replace(plan, desired=(*plan.desired, record))
    if standing is None:
        return replace(plan, posts=(*plan.posts, record))
    if same(standing.record, record):
        return replace(plan, kept=(*plan.kept, standing))
    return replace(plan, patches=(*plan.patches, Change(standing, record)))


def _renamed(
    plan: Plan, policy: PolicyPlan, gone: Sequence[str], found: Iterable[ZoneRecord]
) -> Iterator[str]:
    """Say which machine gets another name, and so a certificate for it, while a policy is enforced."""
    if policy.mode != "enforce":
        return
    own = {r.content: r.name for r in plan.desired if r.type in ADDRESS_TYPES and r.name not in gone}
    for held in found:
        record = held.record
        if record.type in ADDRESS_TYPES and record.name in gone and record.content in own:
            yield (
                f"{record.name}: {own[record.content]} has its address {record.content}, so senders that "
                "have the old MX find a certificate for another name, and keep mail back for "
                f'{policy.ttl} s: to avoid it, write "mta_sts": "testing" and deploy before the name changes '
                "(docs/tls.md)"
            )


def _is_mx(record: Record, domain: str) -> bool:
    return (record.type, record.name) == ("MX", domain)


def _obstacles(policy: PolicyPlan, domain: str, found: Iterable[ZoneRecord], zone: str) -> Iterator[Obstacle]:
    """What keeps a policy of ours from being published: records of others at its two names."""
    if policy.publish is None:
        return
    host, name = policy_host(domain), name_of(domain)
    ours = {held.id for held in (policy.ours.held, *policy.ours.more) if held}
    workers_own = [held for held in found if _is_workers_own(held, host)]
    for held in found:
        record = held.record
        if record.type == "NS" and record.name != zone and is_within(host, record.name):
            yield delegation(record, host)
        elif record.type == "NS" and record.name != zone and is_within(name, record.name):
            yield delegation(record, name)
        elif record.name == host and held not in workers_own and record.type not in ("TXT", "CAA"):
            yield Obstacle(
                record,
                "is where senders ask for the MTA-STS policy, and Cloudflare's Worker needs this name",
                _BY_HAND,
            )
        elif record.name == name and held.id not in ours:
            if record.type == "CNAME":
                yield Obstacle(record, "is an alias, and the MTA-STS policy needs a TXT here", _BY_HAND)
            elif record.type == "TXT" and is_record(record.content):
                yield Obstacle(record, "is not ours, and two of these count as none (RFC 8461)", _BY_HAND)
    if policy.elsewhere:
        own = workers_own[0].record if workers_own else Record("AAAA", host, "100::")
        yield Obstacle(
            own,
            f"is a custom domain of another Worker, {policy.elsewhere}, and not of ours",
            "remove it in the dashboard (Workers & Pages > that Worker > Settings > Domains & Routes), or "
            "leave mta_sts out of the inventory",
        )


def _is_workers_own(held: ZoneRecord, host: str) -> bool:
    """Whether Cloudflare made the record for a Worker's custom domain."""
    return held.record.name == host and held.locked and held.owner == products.WORKERS.name
