"""Mail hosts named in another zone: no MX is made that leads to one that takes no mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dns import sync
from dns.inventory import load
from dns.plan import Plan
from dns.sync import foreign_hosts
from tests.dns.example import DOMAIN, OURS, inventory_text, values
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import MAIL4, World
from tests.lab.cloudflare import StandIn

HOSTS = {"mx1.example.test": OURS}


@pytest.fixture(autouse=True)
def elsewhere(world: World, cloudflare: StandIn, inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inventory whose domain other.test is served by a host in example.test."""
    inventory.write_text(inventory_text(HOSTS, {"other.test": DOMAIN}))
    monkeypatch.setenv("LETTERBOX_RESOLVER", world.resolver.resolver)


def published(cloudflare: StandIn, *records: dict[str, Any]) -> None:
    """Make these the only records of the host's own zone."""
    cloudflare.zones["example.test"].records.clear()
    cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": "x"}, *records)


def checked(world: World, inventory: Path) -> Plan:
    """A plan for other.test with what was found about the host."""
    read = load(inventory)
    return foreign_hosts.check(Plan(()), "other.test", read.hosts, read, {}, world.vantage)


@pytest.mark.usefixtures("silence")  # of port 53, where this run asks
def test_a_host_that_its_own_zone_publishes_is_silent(inventory: Path) -> None:
    plan = sync.prepare(load(inventory), "other.test", {}).plan
    assert (len(plan.posts), plan.obstacles, plan.notes) == (1, (), ())


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ((), "mx1.example.test: has no address"),
        (({"type": "CNAME", "name": "mx1", "content": "ns1.cloudflare.test"},), "is an alias of"),
        (({"type": "A", "name": "mx1", "content": "104.16.0.9"},), "is Cloudflare's proxy"),
    ],
)
def test_a_host_that_takes_no_mail_is_in_the_way(
    world: World, cloudflare: StandIn, inventory: Path, records: tuple[dict[str, str], ...], said: str
) -> None:
    published(cloudflare, *records)
    assert said in " ".join(str(obstacle) for obstacle in checked(world, inventory).obstacles)


@pytest.mark.usefixtures("silence")  # of port 53, where this run asks
def test_what_is_in_the_way_stops_the_change_before_any_write(cloudflare: StandIn, inventory: Path) -> None:
    published(cloudflare)
    prepared = sync.prepare(load(inventory), "other.test", {})
    with pytest.raises(sync.SyncError, match=r"nothing was changed.*mx1\.example\.test: has no address"):
        sync.apply(prepared)
    assert values(cloudflare, "other.test") == set()


def test_a_private_address_is_in_the_way_unless_the_inventory_allows_it(
    world: World, inventory: Path
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": {}}, {"other.test": DOMAIN}))
    said = [str(obstacle) for obstacle in checked(world, inventory).obstacles]
    assert f"{MAIL4} is a loopback address" in said[0]


def test_an_address_that_is_not_in_the_inventory_is_noted_and_stops_nothing(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "192.0.2.9"})
    plan = checked(world, inventory)
    assert plan.obstacles == ()
    assert "192.0.2.9: is not an address of this mail host" in " ".join(plan.notes)


def test_a_host_without_an_address_that_this_inventory_publishes_too_is_only_noted(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    inventory.write_text(inventory_text(HOSTS, {"other.test": DOMAIN, "example.test": DOMAIN}))
    published(cloudflare)
    plan = checked(world, inventory)
    assert plan.obstacles == ()
    assert plan.notes == ("mx1.example.test: has no address yet: python -m dns.sync example.test",)


def test_a_resolver_that_is_behind_is_overruled_by_the_hosts_own_zone(
    world: World, inventory: Path, tmp_path: Path
) -> None:
    world.resolver.folder = tmp_path / "nothing"
    world.resolver.zones["example.test"] = "@ 60 SOA a. b. 1 60 60 60 60\n@ 60 NS a.\n"
    plan = checked(world, inventory)
    assert (plan.obstacles, plan.notes) == ((), ())


def test_a_resolver_that_rewrites_is_overruled_by_the_hosts_own_zone(world: World, inventory: Path) -> None:
    world.resolver.hosts = {"mx1.example.test": "104.16.0.9"}
    plan = checked(world, inventory)
    assert (plan.obstacles, plan.notes) == ((), ())


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "lame", "upwards"])
def test_a_host_that_its_own_zone_does_not_answer_is_noted_and_not_taken_for_absent(
    world: World, inventory: Path, fault: Fault
) -> None:
    for server in world.ns:
        server.faults["mx1.example.test", "*"] = fault
    plan = checked(world, inventory)
    assert plan.obstacles == ()
    assert "mx1.example.test A and AAAA: is not answered by the nameservers of its zone" in plan.notes[0]


def test_nothing_is_looked_up_if_nothing_changes(world: World, cloudflare: StandIn, inventory: Path) -> None:
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10})
    world.resolver.asked.clear()
    assert sync.prepare(load(inventory), "other.test", {}).changes == 0
    assert world.resolver.asked == []
