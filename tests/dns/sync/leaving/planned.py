"""What the tests of this folder share: zones as a sync leaves them, and plans of `old_names` for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dns.desired import desired
from dns.inventory import Inventory, from_hosts
from dns.plan import Plan, plan
from dns.records import Record, ZoneRecord
from dns.sync.leaving.old_names import Question, keep
from dns.world.leads import Leads
from tests.dns.example import DOMAIN, HOST

ZONE = "example.test"
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
NEW = {"public_ipv4": "198.18.0.77", "public_ipv6": "fd00::77"}
MX1, MX2 = f"mx1.{ZONE}", f"mx2.{ZONE}"


def inventory_of(hosts: dict[str, dict[str, Any]], ttl: int = 1) -> Inventory:
    domains = {ZONE: {**DOMAIN, "ttl": ttl}}
    return from_hosts((name, {**HOST, **data, "domains": domains}) for name, data in hosts.items())


def wanted(inventory: Inventory) -> tuple[Record, ...]:
    return desired(inventory, inventory.domain(ZONE), ZONE, {})


def as_published(inventory: Inventory, *others: Record) -> list[ZoneRecord]:
    """The zone after a sync of this inventory, with other records in it."""
    return [ZoneRecord(str(n), record) for n, record in enumerate((*wanted(inventory), *others))]


def nobody(domains: Sequence[str], cached_only: bool) -> list[Leads]:
    """No nameserver and no resolver leads anywhere."""
    return [Leads(name) for name in domains]


def not_asked(domains: Sequence[str], cached_only: bool) -> list[Leads]:
    raise AssertionError(f"the DNS was asked for {domains}")


def answering(*found: Leads) -> Callable[[Sequence[str], bool], list[Leads]]:
    """The DNS, by domain."""
    known = {leads.domain: leads for leads in found}
    return lambda domains, cached_only: [known.get(name, Leads(name)) for name in domains]


def planned(
    before: list[ZoneRecord],
    after: Inventory,
    *,
    now: datetime = NOW,
    forgetting: Any = (),
    siblings: tuple[str, ...] = (),
    look: Callable[[Sequence[str], bool], Sequence[Leads]] = not_asked,
) -> Plan:
    """The plan that turns this zone into what the inventory says."""
    way = plan(ZONE, ZONE, wanted(after), before)
    return keep(way, Question(tuple(before), ZONE, siblings, forgetting, look, now))


def carried_out(before: list[ZoneRecord], way: Plan) -> list[ZoneRecord]:
    """The zone after the plan."""
    gone = {held.id for held in way.deletes}
    changed = {change.before.id: change.after for change in way.patches}
    left = [replace(held, record=changed.get(held.id, held.record)) for held in before if held.id not in gone]
    return [*left, *(ZoneRecord(f"n{len(before)}.{n}", record) for n, record in enumerate(way.posts))]


def kept_names(way: Plan) -> list[str]:
    return sorted({one.record.name for one in way.staying})
