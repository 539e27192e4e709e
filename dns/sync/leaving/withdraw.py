"""Withdrawing a domain: the plan of `python -m dns.sync DOMAIN --withdraw`. Pure.

All records that carry the domain's mark go. Its MX goes at once, so that nobody new is sent here. The
addresses stay while a sender may keep that MX (`old_names`). A TXT record at `_letterbox.DOMAIN` says until
when senders may come, and a deploy that finds it lets the host serve the domain until then.

Addresses that another domain of the inventory still wants in this zone are handed over to that domain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from dns import tlsa
from dns.caa import properties
from dns.caa.decision import is_wanted as is_caa_wanted
from dns.caa.properties import names_account
from dns.dane.decision import is_wanted as is_dane_wanted
from dns.inventory import Inventory
from dns.names import LONGEST, below, is_within
from dns.plan import Change, Plan, Replacing, Staying
from dns.records import ADDRESS_TYPES, Record, ZoneRecord, is_marked, mark_of
from dns.until import WITHDRAWN, WITHDRAWN_TTL, Until, after, seconds_of, staying, until_of, withdrawn_text

_REASON = "a sender may still keep the MX that was withdrawn: the host serves the domain until then"


def plan_withdrawal(
    domain: str,
    zone: str,
    found: Sequence[ZoneRecord],
    inventory: Inventory,
    replacing: Replacing,
    now: datetime,
) -> Plan:
    """Plan what takes the domain's records out of the zone. What must stay for now, `old_names` decides.

    An MX of somebody else stays unless `replacing` names it. The inventory may or may not have the domain.
    """
    mark = mark_of(domain)
    mx = [held for held in found if (held.record.type, held.record.name) == ("MX", domain)]
    ours = [held for held in found if is_marked(held.record, mark) and not held.locked]
    named = [held for held in mx if held not in ours and not held.locked and replacing.names(held.record)]
    hostnames = {host.hostname for host in inventory.hosts}
    others = Inventory(inventory.hosts, tuple(each for each in inventory.domains if each.name != domain))
    heir = next((each.name for each in others.domains if is_within(each.name, zone)), None)
    handed = [] if heir is None else [held for held in ours if _is_wanted(held.record, hostnames)]
    for is_wanted, of_host in ((is_dane_wanted, _host_of_key), (is_caa_wanted, _host_of_account)):
        if is_wanted(others, zone):  # by another domain of the zone
            handed += [held for held in ours if of_host(held.record) in hostnames]
            continue
        # A name that keeps some of its keys may lack the one that is served.
        marks = [mark_of(each.name) for each in others.domains]
        names = {held.record.name for held in ours if of_host(held.record)}
        ours += [
            held
            for held in found
            if of_host(held.record)
            and held.record.name in names
            and not held.locked
            and any(is_marked(held.record, each) for each in marks)
        ]
    marker = next((held for held in ours if _is_marker(held.record, domain)), None)
    going = [held for held in (*ours, *named) if held not in handed and held is not marker]
    remaining = tuple(held.record for held in mx if held not in going)
    made = Plan(
        desired=(),
        deletes=tuple(going),
        patches=tuple(Change(held, _marked(held.record, mark_of(heir or domain))) for held in handed),
        notes=tuple(_note(record) for record in remaining if record.content in hostnames),
        remaining=remaining,
    )
    leading = [held.record for held in going if held.record.type == "MX" and held.record.content != "."]
    return _with_marker(made, domain, marker, leading, now)


def _with_marker(
    plan: Plan, domain: str, marker: ZoneRecord | None, mx: Sequence[Record], now: datetime
) -> Plan:
    """The plan with the TXT record that says until when senders may come."""
    until = until_of(marker.record) if marker else None
    if mx and len(domain) + len(WITHDRAWN) + 1 <= LONGEST:
        seconds = max(seconds_of(record.ttl) for record in mx)
        time = after(now, seconds)
        plain = Record(
            "TXT",
            below(domain, WITHDRAWN),
            withdrawn_text(time),
            ttl=WITHDRAWN_TTL,
            comment=mark_of(domain),
        )
        made = staying(plain, Until(time))
        reason = f"a sender may keep the MX for {seconds} s: the host serves the domain until then"
        return replace(
            plan,
            posts=(*plan.posts, made),
            # An older one is replaced: its content would say another time.
            deletes=(*plan.deletes, *([marker] if marker else [])),
            staying=(*plan.staying, Staying(None, made, time, reason, seconds)),
        )
    if marker is None:
        return plan
    if until is not None and until.time is not None and until.time > now:
        return replace(plan, staying=(*plan.staying, Staying(marker, marker.record, until.time, _REASON)))
    return replace(plan, deletes=(*plan.deletes, marker))


def keep_marker(plan: Plan, domain: str, now: datetime) -> Plan:
    """The plan of a domain that comes back, without deleting the marker before its time.

    A policy may be enforced only if no sender has an older MX, and after a withdrawal only the marker tells.
    """
    for held in plan.deletes:
        until = until_of(held.record) if _is_marker(held.record, domain) else None
        if until and until.time and until.time > now:
            kept = Staying(held, held.record, until.time, "a sender may still keep the MX that was withdrawn")
            deletes = tuple(each for each in plan.deletes if each is not held)
            return replace(plan, deletes=deletes, staying=(*plan.staying, kept))
    return plan


def _is_marker(record: Record, domain: str) -> bool:
    return record.type == "TXT" and record.name == f"{WITHDRAWN}.{domain}"


def _is_wanted(record: Record, hostnames: Collection[str]) -> bool:
    """Whether the record is an address of a host that the inventory has."""
    return record.type in ADDRESS_TYPES and record.name in hostnames


def _host_of_key(record: Record) -> str:
    """The host whose key this is. Empty for another record."""
    return tlsa.host_of(record.name) or "" if record.type == tlsa.TYPE else ""


def _host_of_account(record: Record) -> str:
    """The host whose account this CAA names. Empty for another record."""
    return record.name if record.type == properties.TYPE and names_account(record.content) else ""


def _marked(record: Record, mark: str) -> Record:
    return replace(record, comment=mark)


def _note(record: Record) -> str:
    return (
        f"{record.zone_line}: is not ours and stays, and still leads mail here: to delete it, add "
        f"--replace-mx {record.content}"
    )
