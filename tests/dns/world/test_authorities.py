"""Which CAA records apply to a mail host, as nameservers and a resolver answer them (RFC 8659, section 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns import sync
from dns.caa.properties import bound
from dns.inventory import load
from dns.inventory.host_keys import HostKeys
from dns.world.answers import Answer
from dns.world.asking import ask
from dns.world.expected import Expected, from_plan, mismatch
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


@pytest.mark.parametrize("replaced", [False, True], ids=["beside ours", "in place of ours"])
def test_a_run_is_done_although_cloudflare_widens_what_it_serves_and_the_check_says_so(
    world: World, cloudflare: StandIn, inventory: Path, replaced: bool
) -> None:
    data = {**OURS, "certificate": "letsencrypt"}
    inventory.write_text(inventory_text({HOST: data}, {"example.test": {**DOMAIN, "caa": True}}))
    uri = "https://acme-v02.api.letsencrypt.org/acme/acct/1"
    keys = {HOST: HostKeys(account=uri, identities=("letsencrypt.org",))}
    cloudflare.zones["example.test"].universal_ssl = True
    prepared = sync.prepare(load(inventory), "example.test", {}, keys=keys)
    sync.apply(prepared)
    if replaced:
        (record,) = (
            each for each in cloudflare.zones["example.test"].records.values() if each["type"] == "CAA"
        )
        seed(cloudflare, HOST, "issue letsencrypt.org")
        record["name"] = "elsewhere.example.test"
        cloudflare.publish()
    (ours,) = (one for one in from_plan(prepared.plan) if one.type == "CAA")
    for server in SERVERS:
        said = ask(server.address, HOST, "CAA", port=world.vantage.port)
        assert any("accounturi" in value for value in said.values) is not replaced
        assert mismatch(ours, said) is None
    (finding,) = found(world, inventory, keys=keys)
    assert (finding.group, finding.code) == ("advised", "caa-widened")
    assert "any account of letsencrypt.org and pki.goog" in finding.problem


def test_a_widened_answer_without_our_authority_is_waited_for() -> None:
    wanted = Expected(HOST, "CAA", frozenset({bound("ca.test", "https://ca.test/1")}))
    assert "is missing" in str(mismatch(wanted, Answer(values=frozenset({ISSUE}))))


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
