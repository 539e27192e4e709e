"""Runs of `dns.sync` with DANE, in a world whose answers are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dns import sync
from dns.dane.facts import Outside
from dns.inventory import Inventory
from dns.inventory.host_keys import HostKeys
from dns.plan import Plan
from dns.sync import Prepared
from dns.sync.change import apply
from dns.world.leads import Leads
from tests.dns.dane.keys import BOTH, inventory, outside


def nowhere(names: Sequence[str], cached: bool) -> list[Leads]:
    """Mail of no domain is led anywhere."""
    return [Leads(name) for name in names]


NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


def prepared(
    some: Inventory | None = None,
    keys: HostKeys | dict[str, HostKeys] = BOTH,
    world: Outside | None = None,
    domain: str = "example.test",
    **more: Any,
) -> Prepared:
    some = some or inventory()
    held = keys if isinstance(keys, dict) else {host.name: keys for host in some.hosts}
    more = {"look_up": nowhere, "clock": lambda: NOW, **more}
    return sync.prepare(some, domain, {}, keys=held, outside=world or outside(), **more)


def changed(*arguments: Any, **more: Any) -> Plan:
    return apply(prepared(*arguments, **more))
