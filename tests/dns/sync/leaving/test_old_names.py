"""The addresses of a mail host's old name stay while a sender may come to them, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns.plan import plan
from dns.records import Record, mark_of
from dns.sync.leaving.old_names import withdrawn
from dns.until import PROPAGATION, until_of
from dns.world.leads import Lead, Leads
from tests.dns.sync.leaving.planned import (
    MX1,
    MX2,
    NEW,
    NOW,
    ZONE,
    answering,
    as_published,
    carried_out,
    inventory_of,
    kept_names,
    nobody,
    planned,
    wanted,
)

ORDINARY = {
    "nothing": ({MX1: {}}, {MX1: {}}),
    "a new host": ({MX1: {}}, {MX1: {}, MX2: NEW}),
    "another address": ({MX1: {}}, {MX1: NEW}),
    "another preference": ({MX1: {}}, {MX1: {"mx_preference": 50}}),
    "more workers": ({MX1: {}}, {MX1: {"workers": 4}}),
    "another name for ssh": ({MX1: {}}, {"198.18.0.25": {"hostname": MX1}}),
    "another machine under the same name": ({MX1: {}}, {"new": {"hostname": MX1, **NEW}}),
    "no IPv6 any more": ({MX1: {}}, {MX1: {"public_ipv6": False}}),
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
def test_an_ordinary_change_keeps_nothing(change: str) -> None:
    before, after = ORDINARY[change]
    assert planned(as_published(inventory_of(before)), inventory_of(after)).staying == ()


@pytest.mark.parametrize("change", TAKEN_AWAY)
def test_the_addresses_of_a_name_that_goes_stay_until_its_mx_has_expired(change: str) -> None:
    before, after, names = TAKEN_AWAY[change]
    zone, new = as_published(inventory_of(before, 900)), inventory_of(after)
    first = planned(zone, new)
    assert kept_names(first) == names
    assert {one.until for one in first.staying} == {NOW + timedelta(seconds=900 + PROPAGATION + 60)}
    assert first.obstacles == ()
    assert not any(held.record.type in ("A", "AAAA") for held in first.deletes)
    assert {record.content for record in wanted(new)} <= {
        held.record.content for held in carried_out(zone, first)
    }
    zone = carried_out(zone, first)
    waiting = planned(zone, new, now=NOW + timedelta(seconds=900))
    assert (kept_names(waiting), waiting.changes) == (names, 0), "nothing is done, and it is said again"
    assert waiting.in_sync
    last = planned(zone, new, now=NOW + timedelta(hours=1), look=nobody)
    assert sorted({held.record.name for held in last.deletes}) == names
    assert last.staying == ()
    assert carried_out(zone, last) == [held for held in zone if held not in last.deletes]


@pytest.mark.parametrize("change", TAKEN_AWAY)
def test_names_that_are_given_go_at_once(change: str) -> None:
    before, after, names = TAKEN_AWAY[change]
    zone, new = as_published(inventory_of(before)), inventory_of(after)
    assert planned(zone, new, forgetting=names).staying == ()
    assert kept_names(planned(zone, new, forgetting=names[1:])) == names[:1]
    assert planned(zone, new, forgetting=None).staying == ()


def test_the_time_counts_from_the_change_and_not_from_the_plan() -> None:
    """A deploy makes its plan minutes before it changes the zone."""
    way = planned(as_published(inventory_of({MX1: {}})), inventory_of({MX2: {}}))
    late = way.dated(NOW + timedelta(hours=1))
    assert {until_of(change.after).time for change in late.patches} == {  # type: ignore[union-attr]
        NOW + timedelta(hours=1, seconds=300 + PROPAGATION + 60)
    }
    assert late.stay_until == NOW + timedelta(hours=1, seconds=300 + PROPAGATION + 60)


def test_a_name_that_comes_back_is_ours_as_before() -> None:
    zone = as_published(inventory_of({MX1: {}}))
    renamed = carried_out(zone, planned(zone, inventory_of({MX2: {}})))
    back = carried_out(renamed, planned(renamed, inventory_of({MX1: {}})))
    assert [held.record for held in back if held.record.name == MX1] == [
        held.record for held in zone if held.record.name == MX1
    ]
    assert planned(back, inventory_of({MX1: {}})).changes == 0


def test_an_mx_of_somebody_else_at_another_name_holds_it_without_a_time() -> None:
    lists = Record("MX", f"lists.{ZONE}", MX1, 5, 7200, comment="the admin's")
    zone = as_published(inventory_of({MX1: {}}), lists)
    way = planned(zone, inventory_of({MX2: {}}))
    assert {one.until for one in way.staying} == {None}
    assert f"lists.{ZONE} MX 5 {MX1} leads mail to this name" in way.staying[0].reason
    zone = carried_out(zone, way)
    again = planned(zone, inventory_of({MX2: {}}), now=NOW + timedelta(days=9))
    assert (kept_names(again), again.changes) == ([MX1], 0)
    moved = [held for held in zone if held.record.name != lists.name]
    last = planned(moved, inventory_of({MX2: {}}), now=NOW)
    assert last.stay_until == NOW + timedelta(seconds=7200 + PROPAGATION + 60), "the TTL is remembered"


def test_a_name_whose_mx_somebody_has_deleted_stays_for_a_while_too() -> None:
    zone = [held for held in as_published(inventory_of({MX1: {}})) if held.record.type != "MX"]
    way = planned(zone, inventory_of({MX2: {}}))
    assert way.stay_until == NOW + timedelta(seconds=300 + PROPAGATION + 60)


def test_an_address_that_was_made_for_another_domain_does_not_count_as_one_that_stays() -> None:
    """Two domains share the zone and the host, and each has made one of its addresses."""
    sub = f"sub.{ZONE}"
    zone = [
        replace(held, record=replace(held.record, comment=mark_of(sub)))
        if held.record.type == "AAAA"
        else held
        for held in as_published(inventory_of({MX1: {}}))
    ]
    way = planned(zone, inventory_of({MX2: {}}))
    assert [one.record.type for one in way.staying] == ["A"]


LEADS = {
    "another domain's nameservers": Leads("other.test", (Lead("other.test", MX1, 10, 60, "ns1"),)),
    "nameservers that cannot be asked": Leads("other.test", unknown="ns1 does not answer for it"),
}


@pytest.mark.parametrize("what", LEADS)
def test_a_domain_of_another_zone_holds_the_name_until_it_leads_elsewhere(what: str) -> None:
    zone, new, other = as_published(inventory_of({MX1: {}})), inventory_of({MX2: {}}), ("other.test",)
    held = planned(zone, new, siblings=other, look=answering(LEADS[what]))
    assert (kept_names(held), held.stay_until) == ([MX1], None)
    zone = carried_out(zone, held)
    later = NOW + timedelta(days=1)
    armed = planned(zone, new, siblings=other, look=nobody, now=later)
    assert armed.stay_until == later + timedelta(seconds=300 + PROPAGATION + 60)


@pytest.mark.parametrize("what", LEADS)
def test_nothing_is_deleted_after_the_time_while_mail_may_be_led_there(what: str) -> None:
    zone, new, other = as_published(inventory_of({MX1: {}})), inventory_of({MX2: {}}), ("other.test",)
    zone = carried_out(zone, planned(zone, new, siblings=other, look=nobody))
    way = planned(zone, new, siblings=other, look=answering(LEADS[what]), now=NOW + timedelta(days=1))
    assert (kept_names(way), way.deletes) == ([MX1], ())


def test_a_resolver_that_still_keeps_the_mx_prolongs_the_time() -> None:
    zone, new = as_published(inventory_of({MX1: {}})), inventory_of({MX2: {}})
    zone = carried_out(zone, planned(zone, new))
    lead = Lead(ZONE, MX1, 10, 4000, "the resolver 192.0.2.1", cached=True)
    later = NOW + timedelta(hours=1)
    way = planned(zone, new, now=later, look=answering(Leads(ZONE, (lead,))))
    assert way.stay_until == later + timedelta(seconds=4000 + PROPAGATION + 20)
    assert "the resolver 192.0.2.1 still keeps" in way.staying[0].reason


def test_somebody_elses_address_at_the_name_is_enough_for_a_sender() -> None:
    theirs = Record("A", MX1, "198.18.0.25", comment="stays for a while")
    assert planned(as_published(inventory_of({MX1: {}}), theirs), inventory_of({MX2: {}})).staying == ()


NAMES = st.sampled_from([f"{label}.{ZONE}" for label in "abc"])
ADDRESSES = st.integers(1, 3).map(lambda n: {"public_ipv4": f"198.18.0.{n}", "public_ipv6": None})
HOSTS = st.dictionaries(NAMES, ADDRESSES, min_size=1)


@given(before=HOSTS, after=HOSTS)
def test_no_change_leaves_an_old_mx_without_addresses(before: dict[str, Any], after: dict[str, Any]) -> None:
    """A sender that still has the old MX finds an address for each of its targets."""
    zone = as_published(inventory_of(before))
    way = planned(zone, inventory_of(after))
    left = {held.record.name for held in carried_out(zone, way) if held.record.type != "MX"}
    assert {held.record.content for held in zone if held.record.type == "MX"} <= left
    assert kept_names(way) == sorted(set(before) - set(after))


def test_a_plan_that_deletes_nothing_takes_no_name_away() -> None:
    zone = as_published(inventory_of({MX1: {}}))
    way = plan(ZONE, ZONE, wanted(inventory_of({MX2: {}})), zone)
    assert list(withdrawn(way, zone)) == [MX1]
    assert withdrawn(way.without_deletes(), zone) == {}
