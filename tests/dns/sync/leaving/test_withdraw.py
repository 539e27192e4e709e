"""Withdrawing a domain: its MX goes at once, its addresses when nobody can have that MX any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from dns import sync
from dns.inventory import load
from dns.until import parse_withdrawn
from dns.world.leads import Lead, Leads, with_withdrawal
from dns.world.leads import look_up as asked_of_the_dns
from tests.dns.example import DOMAIN, HOST, Run, inventory_text, values
from tests.dns.loopback.world import World
from tests.dns.sync.leaving.planned import nobody
from tests.lab.cloudflare import StandIn

ZONE, OTHER, SUB = "example.test", "other.test", "sub.example.test"
MX1 = "mx1.example.test"
ADDRESSES = {("A", MX1, "198.18.0.25", None), ("AAAA", MX1, "fd00::25", None)}


def marker(cloudflare: StandIn, domain: str = ZONE, zone: str = ZONE) -> datetime | None:
    """Until when senders may come, as the zone says."""
    texts = [r["content"].strip('"') for r in cloudflare.records(zone) if r["name"] == f"_letterbox.{domain}"]
    return parse_withdrawn(texts[0]) if texts else None


def led(cloudflare: StandIn, zone: str = ZONE) -> list[str]:
    return [r["content"] for r in cloudflare.records(zone) if r["type"] == "MX"]


@pytest.fixture
def elsewhere(inventory: Path) -> Path:
    """The inventory without example.test, whose host is still named in its zone."""
    inventory.write_text(inventory_text({MX1: HOST}, {OTHER: DOMAIN}))
    return inventory


def test_the_mx_goes_first_and_the_addresses_stay(cloudflare: StandIn, run: Run) -> None:
    run()
    code, out, err = run("--withdraw")
    assert (code, err) == (0, "")
    assert led(cloudflare) == []
    assert values(cloudflare) >= ADDRESSES
    until = marker(cloudflare)
    assert until
    assert timedelta(seconds=300) < until - datetime.now(UTC) < timedelta(seconds=600)
    said = until.strftime("%Y-%m-%d %H:%M UTC")
    assert f"- {ZONE} MX 10 {MX1}" in out
    assert f"senders may still come until {said}: take the domain out of the inventory now" in out


def test_withdrawing_again_before_the_time_changes_nothing(cloudflare: StandIn, run: Run) -> None:
    run()
    run("--withdraw")
    before, until = json.dumps(cloudflare.records(ZONE)), marker(cloudflare)
    cloudflare.requests.clear()
    code, out, _ = run("--withdraw")
    assert (code, {request.method for request in cloudflare.requests}) == (0, {"GET"})
    assert until
    assert f"withdrawn, 3 old records stay until {until.strftime('%Y-%m-%d %H:%M UTC')}" in out
    assert json.dumps(cloudflare.records(ZONE)) == before
    assert run("--withdraw", "--check")[0] == 0


def test_after_the_time_everything_of_ours_goes(cloudflare: StandIn, run: Run, inventory: Path) -> None:
    theirs = cloudflare.seed(ZONE, {"type": "A", "name": "www", "content": "198.18.0.80"})
    run()
    run("--withdraw")
    late = datetime.now(UTC) + timedelta(hours=1)
    last = sync.prepare_withdrawal(load(inventory), ZONE, clock=lambda: late, look_up=nobody)
    assert sync.apply(last).staying == ()
    assert cloudflare.records(ZONE) == theirs
    assert run("--withdraw")[:2] == (0, "example.test: withdrawn\n")


def test_a_domain_that_the_inventory_no_longer_has_is_withdrawn(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    inventory.write_text(inventory_text({MX1: HOST}, {ZONE: DOMAIN, OTHER: {**DOMAIN, "sends_mail": False}}))
    run()
    run(domain=OTHER)
    inventory.write_text(inventory_text({MX1: HOST}, {ZONE: DOMAIN}))
    code, out, _ = run("--withdraw", "--json", domain=OTHER)
    told = json.loads(out)
    assert (code, told["domain"], told["applied"]) == (0, OTHER, True)
    assert {record["type"] for record in told["delete"]} == {"MX", "TXT"}
    assert [(kept["type"], kept["name"]) for kept in told["kept"]] == [("TXT", f"_letterbox.{OTHER}")]
    assert [r["name"] for r in cloudflare.records(OTHER)] == [f"_letterbox.{OTHER}"]
    assert values(cloudflare) >= ADDRESSES


def test_it_can_be_looked_at_first_and_undone(cloudflare: StandIn, run: Run) -> None:
    run()
    before = values(cloudflare)
    comments = sorted(r["comment"] for r in cloudflare.records(ZONE))
    assert run("--withdraw", "--dry-run")[0] == 2
    assert values(cloudflare) == before
    run("--withdraw")
    assert run("--undo")[0] == 0
    assert values(cloudflare) == before
    assert sorted(r["comment"] for r in cloudflare.records(ZONE)) == comments


def test_a_domain_that_comes_back_is_published_as_before(cloudflare: StandIn, run: Run) -> None:
    run()
    before = values(cloudflare)
    run("--withdraw")
    assert run()[0] == 0
    assert values(cloudflare) == before
    assert {r["comment"] for r in cloudflare.records(ZONE)} == {"letterbox example.test"}


def test_an_mx_of_somebody_else_stays_unless_it_is_named(cloudflare: StandIn, run: Run) -> None:
    run()
    cloudflare.seed(ZONE, {"type": "MX", "name": "@", "content": "mx.new.test", "priority": 5})
    ours = {"type": "MX", "name": "@", "content": MX1, "priority": 10}
    for held in [r["id"] for r in cloudflare.records(ZONE) if r["content"] == MX1]:
        cloudflare.zones[ZONE].batch({"deletes": [{"id": held}]})
    cloudflare.seed(ZONE, ours)
    code, out, _ = run("--withdraw")
    assert (code, sorted(led(cloudflare))) == (0, ["mx.new.test", MX1])
    assert f"MX 10 {MX1}: is not ours and stays, and still leads mail here" in out
    assert run("--withdraw", "--replace-mx", MX1)[0] == 0
    assert led(cloudflare) == ["mx.new.test"]
    assert marker(cloudflare)


def test_addresses_that_another_domain_of_the_zone_wants_are_handed_over(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    inventory.write_text(inventory_text({MX1: HOST}, {ZONE: DOMAIN, SUB: DOMAIN}))
    run()
    run(domain=SUB)
    assert run("--withdraw")[0] == 0
    assert values(cloudflare) >= {*ADDRESSES, ("MX", SUB, MX1, 10)}
    assert {r["comment"] for r in cloudflare.records(ZONE) if r["name"] == MX1} == {f"letterbox {SUB}"}
    inventory.write_text(inventory_text({MX1: HOST}, {SUB: DOMAIN}))
    assert run("--check", domain=SUB)[0] == 0


def test_addresses_that_a_domain_of_another_zone_is_led_to_stay_without_a_time(
    cloudflare: StandIn, run: Run, elsewhere: Path
) -> None:
    mx = {"type": "MX", "name": "@", "content": MX1, "priority": 10}
    a = {"type": "A", "name": "mx1", "content": "198.18.0.25"}
    cloudflare.seed(ZONE, *({**record, "comment": f"letterbox {ZONE}"} for record in (mx, a)))

    def other_leads_there(domains: Sequence[str], cached_only: bool) -> list[Leads]:
        return [Leads(name, (Lead(name, MX1, 10, 60, "ns1"),) if name == OTHER else ()) for name in domains]

    for now in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=9)):
        clock = repeat(now).__next__
        made = sync.prepare_withdrawal(load(elsewhere), ZONE, clock=clock, look_up=other_leads_there)
        sync.apply(made)
        assert ("A", MX1, "198.18.0.25", None) in values(cloudflare)
    assert led(cloudflare) == []


def test_a_deploy_learns_from_the_dns_until_when_senders_come(
    world: World, cloudflare: StandIn, run: Run
) -> None:
    """It needs no token for that. A nameserver that is silent leaves it unknown."""
    cloudflare.zones[ZONE].records.clear()
    run()
    before = with_withdrawal(asked_of_the_dns(ZONE, world.vantage), world.vantage)
    assert (before.withdrawn_until, before.unknown) == (None, "")
    run("--withdraw")
    after = with_withdrawal(asked_of_the_dns(ZONE, world.vantage), world.vantage)
    assert after.withdrawn_until == marker(cloudflare)
    assert after.withdrawn_until
    world.ns[0].folder = None
    silent: Any = with_withdrawal(Leads(ZONE), world.vantage)
    assert "ns1.cloudflare.test" in silent.unknown


@pytest.mark.parametrize("name", ["example", "münchen..test", "-"])
def test_a_name_that_is_no_domain_is_said(cloudflare: StandIn, run: Run, name: str) -> None:
    code, _, err = run("--withdraw", domain=name)
    assert (code, len(err.splitlines())) == (1, 1)


def test_addresses_that_were_made_for_a_domain_that_has_left_are_ours_again(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    """Its old name is given to another machine before its time is over."""
    inventory.write_text(inventory_text({MX1: HOST}, {ZONE: DOMAIN, SUB: DOMAIN}))
    run(domain=SUB)
    run()
    inventory.write_text(inventory_text({"mx2.example.test": HOST}, {ZONE: DOMAIN}))
    run()
    run("--withdraw", domain=SUB)
    assert {r["comment"][:15] for r in cloudflare.records(ZONE) if r["name"] == MX1} == {"letterbox until"}
    other = {**HOST, "public_ipv4": "198.18.0.77", "public_ipv6": False}
    inventory.write_text(inventory_text({MX1: other}, {ZONE: DOMAIN}))
    assert run()[0] == 0
    at_mx1 = [(r["content"], r["comment"]) for r in cloudflare.records(ZONE) if r["name"] == MX1]
    assert at_mx1 == [("198.18.0.77", "letterbox example.test")]
