"""A mail host's name keeps its addresses while mail is led to it. Ordinary changes are not refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dns.desired import desired
from dns.inventory import Inventory, from_hosts
from dns.plan import Plan, plan
from dns.records import Record, ZoneRecord
from dns.sync.withdrawal import check, look_elsewhere, why_not, withdrawn
from dns.world.leads import Lead, Leads
from tests.dns.example import DOMAIN, HOST, OURS, Run, inventory_text, values
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn

ZONE = "example.test"
NEW = {"public_ipv4": "198.18.0.77", "public_ipv6": "fd00::77"}


def inventory_of(hosts: dict[str, dict[str, Any]]) -> Inventory:
    return from_hosts((name, {**HOST, **data, "domains": {ZONE: DOMAIN}}) for name, data in hosts.items())


def wanted(inventory: Inventory) -> tuple[Record, ...]:
    return desired(inventory, inventory.domain(ZONE), ZONE, {})


def as_published(inventory: Inventory, *others: Record) -> list[ZoneRecord]:
    """The zone after a sync of this inventory, with other records in it."""
    return [ZoneRecord(str(n), record) for n, record in enumerate((*wanted(inventory), *others))]


def held_up(before: list[ZoneRecord], after: Inventory, *elsewhere: Leads, forgetting: Any = ()) -> list[str]:
    """The names that a change from this zone to this inventory may not withdraw yet."""
    way = plan(ZONE, ZONE, wanted(after), before)
    found = check(way, before, forgetting, lambda: elsewhere).obstacles
    return [obstacle.record.name for obstacle in found]


MX1, MX2 = f"mx1.{ZONE}", f"mx2.{ZONE}"
ORDINARY = {
    "nothing": ({MX1: {}}, {MX1: {}}),
    "a new host": ({MX1: {}}, {MX1: {}, MX2: NEW}),
    "another address": ({MX1: {}}, {MX1: NEW}),
    "another preference": ({MX1: {}}, {MX1: {"mx_preference": 50}}),
    "more workers": ({MX1: {}}, {MX1: {"workers": 4}}),
    "another name for ssh": ({MX1: {}}, {"198.18.0.25": {"hostname": MX1}}),
    "another machine under the same name": ({MX1: {}}, {"new": {"hostname": MX1, **NEW}}),
}
TAKEN_AWAY = {
    "renamed": ({MX1: {}}, {f"mail.{ZONE}": {}}, [MX1]),
    "renamed by hostname": ({MX1: {}}, {MX1: {"hostname": MX2}}, [MX1]),
    "renamed into another zone": ({MX1: {}}, {"mx1.other.test": {}}, [MX1]),
    "replaced by another": ({MX1: {}}, {MX2: NEW}, [MX1]),
    "taken out beside another": ({MX1: {}, MX2: NEW}, {MX1: {}}, [MX2]),
    "two renamed": ({MX1: {}, MX2: NEW}, {f"a.{ZONE}": {}, f"b.{ZONE}": NEW}, [MX1, MX2]),
}


@pytest.mark.parametrize("change", ORDINARY)
def test_an_ordinary_change_is_not_refused(change: str) -> None:
    before, after = ORDINARY[change]
    assert held_up(as_published(inventory_of(before)), inventory_of(after)) == []


@pytest.mark.parametrize("change", TAKEN_AWAY)
def test_a_name_that_an_mx_leads_to_keeps_its_addresses(change: str) -> None:
    before, after, names = TAKEN_AWAY[change]
    zone = as_published(inventory_of(before))
    assert held_up(zone, inventory_of(after)) == names
    assert held_up(zone, inventory_of(after), forgetting=names) == []
    assert held_up(zone, inventory_of(after), forgetting=names[1:]) == names[:1]
    assert held_up(zone, inventory_of(after), forgetting=None) == []


def test_an_mx_of_somebody_else_at_another_name_holds_it_too() -> None:
    before = [
        held
        for held in as_published(
            inventory_of({MX1: {}}), Record("MX", f"lists.{ZONE}", MX1, 5, comment="the admin's")
        )
        if held.record.name != ZONE
    ]
    assert held_up(before, inventory_of({MX2: {}})) == [MX1]


def test_a_name_whose_address_somebody_took_over_is_not_taken_away() -> None:
    """The user can remove a name in steps: a record without our comment is not ours, so it stays."""
    before = as_published(
        inventory_of({MX1: {}}), Record("A", MX1, "198.18.0.25", comment="stays for a while")
    )
    assert held_up(before, inventory_of({MX2: {}})) == []


def test_a_name_that_nothing_leads_to_any_more_may_go() -> None:
    before = [held for held in as_published(inventory_of({MX1: {}})) if held.record.type != "MX"]
    gone = Leads(ZONE), Leads("other.test", (Lead("other.test", "mx.elsewhere.test", 10, 60, "ns1"),))
    assert held_up(before, inventory_of({MX2: {}}), *gone) == []


LEADS = {
    "another domain's nameservers": Leads("other.test", (Lead("other.test", MX1, 10, 60, "ns1"),)),
    "what a resolver keeps": Leads(ZONE, (Lead(ZONE, MX1, 10, 60, "the resolver 192.0.2.1"),)),
    "nameservers that cannot be asked": Leads("other.test", unknown="ns1 does not answer for it"),
}


@pytest.mark.parametrize("what", LEADS)
def test_a_lead_from_outside_the_zone_holds_a_name_too(what: str) -> None:
    before = [held for held in as_published(inventory_of({MX1: {}})) if held.record.type != "MX"]
    assert held_up(before, inventory_of({MX2: {}}), LEADS[what]) == [MX1]


def test_a_lead_is_named_before_what_is_unknown() -> None:
    unknown, lead = Leads("a.test", unknown="silence"), Leads("b.test", (Lead("b.test", MX1, 10, 60, "ns1"),))
    assert why_not(MX1, [unknown, lead]).startswith(f"would be deleted while b.test MX 10 {MX1} leads mail")
    assert "it is not known whether the MX of a.test leads mail to that name (silence)" in why_not(
        MX1, [unknown]
    )
    assert why_not(MX1, [Leads("c.test")]) == ""


NAMES = st.sampled_from([f"{label}.{ZONE}" for label in "abc"])
ADDRESSES = st.integers(1, 3).map(lambda n: {"public_ipv4": f"198.18.0.{n}", "public_ipv6": None})
HOSTS = st.dictionaries(NAMES, ADDRESSES, min_size=1)


@given(before=HOSTS, after=HOSTS)
def test_a_change_is_refused_exactly_if_a_name_goes(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert held_up(as_published(inventory_of(before)), inventory_of(after)) == sorted(
        set(before) - set(after)
    )


@given(before=HOSTS, after=HOSTS)
def test_a_change_that_is_allowed_leaves_no_old_mx_without_addresses(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    """A sender that still has the old MX finds an address for each of their targets."""
    zone = as_published(inventory_of(before))
    way: Plan = plan(ZONE, ZONE, wanted(inventory_of(after)), zone)
    assume(not check(way, zone, (), tuple).obstacles)
    gone = {held.id for held in way.deletes}
    left = {held.record.name for held in zone if held.id not in gone} | {record.name for record in way.posts}
    assert {held.record.content for held in zone if held.record.type == "MX"} <= left


def test_a_plan_that_deletes_nothing_takes_no_name_away() -> None:
    zone = as_published(inventory_of({MX1: {}}))
    way = plan(ZONE, ZONE, wanted(inventory_of({MX2: {}})), zone)
    assert list(withdrawn(way, zone)) == [MX1]
    assert withdrawn(way.without_deletes(), zone) == {}


def test_a_renamed_host_is_refused_before_any_write(cloudflare: StandIn, run: Run, inventory: Path) -> None:
    run()
    before = values(cloudflare)
    inventory.write_text(inventory_text({"mail.example.test": HOST}, {ZONE: DOMAIN}))
    cloudflare.requests.clear()
    for options in ((), ("--dry-run",), ("--check",), ("--json",)):
        code, out, err = run(*options)
        assert code == 1
        assert f"{ZONE} MX 10 {MX1} leads mail to that name" in err
        assert f"--forget-host {MX1}" in err
        assert len(err.splitlines()) == 1
    assert json.loads(out)["in_the_way"][0]["record"]["name"] == MX1
    assert {request.method for request in cloudflare.requests} == {"GET"}
    assert values(cloudflare) == before
    assert run("--forget-host", MX1)[0] == 0
    assert not any(MX1 in record for record in values(cloudflare))


def test_a_domain_of_another_zone_holds_a_name_by_what_its_nameservers_answer(
    world: World, cloudflare: StandIn
) -> None:
    """The MX of example.test is gone. That of other.test leads there, then elsewhere, then is unknown."""
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": MX1, "priority": 10})
    both = {ZONE: DOMAIN, "other.test": DOMAIN}
    after = from_hosts([(MX2, {**OURS, "domains": both})])
    zone = [held for held in as_published(inventory_of({MX1: {}})) if held.record.type != "MX"]
    way = plan(ZONE, ZONE, wanted(after), zone)
    for held in [r["id"] for r in cloudflare.records(ZONE) if r["type"] == "MX"]:
        cloudflare.zones[ZONE].batch({"deletes": [{"id": held}]})
    cloudflare.seed(ZONE, {"type": "TXT", "name": "@", "content": "published anew"})

    def obstacles() -> str:
        found = check(way, zone, (), lambda: look_elsewhere(after, ZONE, world.vantage)).obstacles
        return " ".join(str(obstacle) for obstacle in found)

    assert f"other.test MX 10 {MX1} leads mail to that name (ns1.cloudflare.test says so)" in obstacles()
    cloudflare.zones["other.test"].records.clear()
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": MX2, "priority": 10})
    assert obstacles() == ""
    world.ns[0].folder = None
    assert "it is not known whether the MX of other.test leads mail to that name" in obstacles()
