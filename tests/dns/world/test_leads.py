"""Where a domain's mail is led to, by its nameservers and by what resolvers keep. Silence is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns.world.leads import Lead, Leads, look_up, with_addresses
from tests.dns.loopback.world import MAIL4, MAIL6, World
from tests.lab.cloudflare import StandIn

SOA = "@ 60 SOA a. b. 1 60 60 60 60\n@ 60 NS a.\n"


@pytest.fixture(autouse=True)
def standing(world: World) -> World:
    """Every test uses the small Internet, with example.test as it should be."""
    return world


def published(cloudflare: StandIn, *records: dict[str, object]) -> None:
    """Make these the only records of example.test."""
    cloudflare.zones["example.test"].records.clear()
    cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": "x"}, *records)


def said(leads: Leads) -> list[str]:
    return [str(lead) for lead in leads.found]


def test_an_mx_is_found_with_the_time_that_senders_keep_it(world: World) -> None:
    leads = look_up("example.test", world.vantage)
    assert (said(leads), leads.unknown) == (["example.test MX 10 mx1.example.test"], "")
    assert leads.found[0].ttl == 300
    assert leads.to({"mx1.example.test"})
    assert leads.to({"mx2.example.test"}) is None


def test_a_domain_without_mx_is_its_own_mail_host(world: World, cloudflare: StandIn) -> None:
    published(cloudflare, {"type": "A", "name": "@", "content": MAIL4})
    leads = with_addresses(look_up("example.test", world.vantage), world.vantage)
    assert (said(leads), leads.unknown) == (["example.test (no MX: its own address)"], "")
    assert leads.to((), {MAIL4})


def test_a_null_mx_leads_nowhere(world: World, cloudflare: StandIn) -> None:
    published(cloudflare, {"type": "MX", "name": "@", "content": ".", "priority": 0})
    assert look_up("example.test", world.vantage) == Leads("example.test")


def test_a_domain_that_its_registry_does_not_know_leads_nowhere(world: World) -> None:
    assert look_up("nowhere.test", world.vantage) == Leads("nowhere.test")


def test_an_alias_is_followed_to_its_mx(world: World, cloudflare: StandIn) -> None:
    published(cloudflare, {"type": "CNAME", "name": "shop", "content": "other.test"})
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 5})
    leads = look_up("shop.example.test", world.vantage)
    assert (said(leads), leads.unknown) == (["shop.example.test MX 5 mx1.example.test"], "")


def test_aliases_that_lead_in_a_ring_are_unknown(world: World, cloudflare: StandIn) -> None:
    published(
        cloudflare,
        {"type": "CNAME", "name": "a", "content": "b.example.test"},
        {"type": "CNAME", "name": "b", "content": "a.example.test"},
    )
    assert "alias of an alias" in look_up("a.example.test", world.vantage).unknown


@pytest.mark.parametrize("how", ["refuses", "not authoritative"])
def test_one_nameserver_that_does_not_answer_for_it_makes_it_unknown(world: World, how: str) -> None:
    """Senders may ask any of them, and each may be ahead of the others or behind."""
    if how == "refuses":
        world.ns[0].folder = None
    else:
        world.ns[0].authoritative = False
    leads = look_up("example.test", world.vantage)
    assert "ns1.cloudflare.test does not answer for it" in leads.unknown
    assert said(leads) == ["example.test MX 10 mx1.example.test"]


def test_a_nameserver_is_heard_at_any_of_its_addresses(world: World) -> None:
    """ns2 has an IPv4 and an IPv6 address, and one of them is enough."""
    world.ns[1].folder = None
    assert look_up("example.test", world.vantage).unknown == ""


def test_if_the_root_cannot_be_asked_it_is_unknown(world: World) -> None:
    world.root.offers_recursion = True
    leads = look_up("example.test", world.vantage)
    assert "answers in place of the root's nameservers" in leads.unknown


def test_what_a_resolver_still_keeps_is_a_lead(world: World, cloudflare: StandIn, tmp_path: Path) -> None:
    published(cloudflare, {"type": "MX", "name": "@", "content": "mx.other.test", "priority": 10})
    world.resolver.folder = tmp_path / "nothing"
    world.resolver.zones["example.test"] = f"{SOA}@ 120 MX 10 mx1.example.test.\n"
    leads = look_up("example.test", world.vantage)
    assert said(leads) == ["example.test MX 10 mx.other.test", "example.test MX 10 mx1.example.test"]
    kept = leads.to({"mx1.example.test"})
    assert kept
    assert (kept.ttl, kept.source) == (120, f"the resolver {world.resolver.address}")


def test_a_target_of_another_name_leads_here_by_its_address(world: World, cloudflare: StandIn) -> None:
    published(
        cloudflare,
        {"type": "MX", "name": "@", "content": "mail.example.test", "priority": 10},
        {"type": "A", "name": "mail", "content": MAIL4},
    )
    leads = with_addresses(look_up("example.test", world.vantage), world.vantage)
    assert leads.to({"mx1.example.test"}, {MAIL4, MAIL6})
    assert leads.to({"mx1.example.test"}, {"192.0.2.9"}) is None
    assert leads.unknown == ""


def test_a_target_whose_addresses_are_not_answered_makes_it_unknown(world: World) -> None:
    del world.resolver.zones["."]
    elsewhere = Leads("example.test", (Lead("example.test", "mx.lost.invalid", 10, 60, "ns1"),))
    assert "no addresses for mx.lost.invalid (REFUSED)" in with_addresses(elsewhere, world.vantage).unknown
    assert with_addresses(elsewhere, world.vantage, but={"mx.lost.invalid"}).unknown == ""
