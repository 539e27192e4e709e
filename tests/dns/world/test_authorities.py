"""Which CAA records apply to a mail host, as nameservers and a resolver answer them (RFC 8659, section 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns.inventory.host_keys import HostKeys
from dns.world.look.authorities import look_at_caa
from dns.world.nameservers import Server
from tests.dns.check.found import codes, found
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback.world import NS1, NS2, SOA, World
from tests.lab.cloudflare import StandIn

HOST = "mx1.example.test"
ISSUE = '0 issue "letsencrypt.org"'
SERVERS = (Server("ns1", NS1), Server("ns2", NS2))


def seed(cloudflare: StandIn, name: str, value: str, kind: str = "CAA") -> None:
    tag, _, rest = value.partition(" ")
    data = {"data": {"flags": 0, "tag": tag, "value": rest}} if kind == "CAA" else {"content": value}
    cloudflare.seed("example.test", {"type": kind, "name": name, **data})


def applying(world: World, name: str = HOST) -> list[tuple[str, list[str], str]]:
    """For each nameserver: the name whose records apply, the records, and why they are not known."""
    seen = look_at_caa(name, "example.test", SERVERS, world.vantage)
    return [(one.at, sorted(one.answer.values), one.failure) for one in seen]


def test_the_records_of_the_host_apply_and_else_those_of_the_nearest_name_above(
    world: World, cloudflare: StandIn
) -> None:
    assert applying(world) == [("", [], "")] * 2
    seed(cloudflare, "example.test", "issue x.org")
    assert applying(world) == [("example.test", ['0 issue "x.org"'], "")] * 2
    seed(cloudflare, HOST, "issue letsencrypt.org")
    assert applying(world) == [(HOST, [ISSUE], "")] * 2
    assert applying(world, "a.b.example.test") == [("example.test", ['0 issue "x.org"'], "")] * 2


def test_a_record_above_the_zone_applies_if_no_name_of_the_zone_has_one(
    world: World, cloudflare: StandIn
) -> None:
    above = f'{SOA}@ 60 NS a.registry.test.\n@ 60 CAA 0 issue "x.org"\n'
    world.resolver.zones["test"] = above
    assert applying(world) == [("test", ['0 issue "x.org"'], "")] * 2
    seed(cloudflare, "example.test", "issue letsencrypt.org")
    assert applying(world) == [("example.test", [ISSUE], "")] * 2


def test_the_records_at_the_end_of_an_alias_apply(world: World, cloudflare: StandIn) -> None:
    seed(cloudflare, "sub.example.test", "elsewhere.test", "CNAME")
    world.resolver.zones["elsewhere.test"] = f'{SOA}@ 60 CAA 0 issue "x.org"\n'
    assert applying(world, "mx.sub.example.test") == [("sub.example.test", ['0 issue "x.org"'], "")] * 2


def test_a_server_that_does_not_answer_leaves_it_unknown(world: World, cloudflare: StandIn) -> None:
    seed(cloudflare, "example.test", "issue x.org")
    world.ns[0].faults[HOST, "CAA"] = "SERVFAIL"
    assert applying(world) == [(HOST, [], "SERVFAIL"), ("example.test", ['0 issue "x.org"'], "")]
    world.ns[1].faults["example.test", "CAA"] = "REFUSED"
    assert applying(world) == [(HOST, [], "SERVFAIL"), ("example.test", [], "REFUSED")]


def test_a_resolver_that_does_not_answer_for_the_names_above_leaves_it_unknown(world: World) -> None:
    world.resolver.faults["test", "CAA"] = "SERVFAIL"
    assert applying(world) == [("test", [], "SERVFAIL")] * 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("issue letsencrypt.org", []),
        ("issue x.org", [("required", "caa-forbids")]),
        ("iodef mailto:x@example.test", []),
    ],
)
def test_the_check_of_a_domain_judges_a_host_that_wants_a_certificate_of_an_authority(
    world: World, cloudflare: StandIn, inventory: Path, value: str, expected: list[tuple[str, str]]
) -> None:
    seed(cloudflare, "example.test", value)
    assert codes(found(world, inventory)) == [], "a self-signed certificate needs nobody"
    data = {**OURS, "certificate": "letsencrypt"}
    inventory.write_text(inventory_text({HOST: data}, {"example.test": DOMAIN}))
    assert codes(found(world, inventory)) == expected


def test_the_check_finds_our_record_missing_and_then_right(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    data = {**OURS, "certificate": "letsencrypt"}
    inventory.write_text(inventory_text({HOST: data}, {"example.test": {**DOMAIN, "caa": True}}))
    uri = "https://acme-v02.api.letsencrypt.org/acme/acct/1"
    keys = {HOST: HostKeys(account=uri, identities=("letsencrypt.org",))}
    assert codes(found(world, inventory, keys=keys)) == [("advised", "caa-missing")]
    seed(cloudflare, HOST, f"issue letsencrypt.org; validationmethods=dns-01; accounturi={uri}")
    assert codes(found(world, inventory, keys=keys)) == []
    seed(cloudflare, HOST, "issue letsencrypt.org")
    assert codes(found(world, inventory, keys=keys)) == [("advised", "caa-widened")]
