"""The Worker of a policy: how it is published and removed, and what Cloudflare may refuse."""

from __future__ import annotations

import json
import re

import pytest

from dns.cloudflare.answers import Zone
from dns.cloudflare.worker_script import digest_of, script_for, script_in, script_name
from dns.cloudflare.workers import Hosted
from dns.cloudflare.zones import Zones
from dns.errors import NotPermitted, OutcomeUnknown, Refused, Unreachable
from tests.lab.cloudflare import Fault, StandIn

TEXT = "version: STSv1\r\nmode: testing\r\nmx: mx1.example.test\r\nmax_age: 86400\r\n"
NAME = "letterbox-mta-sts-example-test"
HOST = "mta-sts.example.test"
WITHOUT_RIGHT = "no-workers-token-0123456789"


@pytest.fixture
def zones(cloudflare: StandIn) -> Zones:
    return Zones(pause=lambda seconds: None)


@pytest.fixture
def zone(zones: Zones) -> Zone:
    return zones.holding("example.test")


def records(cloudflare: StandIn) -> list[tuple[str, str, str, bool]]:
    return [
        (each["type"], each["name"], each["content"], each["proxied"])
        for each in cloudflare.records("example.test")
    ]


def test_publishing_makes_a_worker_with_the_policy_and_its_custom_domain(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    assert zones.workers.look(zone, "example.test") == Hosted(script=NAME)
    zones.workers.publish(zone, "example.test", TEXT)
    script = script_for("example.test", TEXT)
    assert cloudflare.served(HOST) == script
    assert zones.workers.look(zone, "example.test") == Hosted(digest_of(script), NAME, NAME)
    assert records(cloudflare) == [("AAAA", HOST, "100::", True)]


def test_the_record_of_the_worker_is_read_only_and_known_as_its(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    (held,) = zones.records(zone)
    assert (held.locked, held.owner) == (True, "Workers")


def test_a_script_that_somebody_has_edited_has_another_digest(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    (held,) = cloudflare.account.scripts.values()
    held["versions"][-1][1] = edited = script_for("example.test", TEXT) + "// edited"
    assert zones.workers.look(zone, "example.test").digest == digest_of(edited)


@pytest.mark.parametrize(
    "kind", ["application/javascript", "text/html", "", "multipart/form-data; boundary=x"]
)
def test_a_script_in_another_form_counts_as_it_is(kind: str) -> None:
    assert script_in(kind, b"addEventListener()") == "addEventListener()"


def test_publishing_again_replaces_the_script_and_leaves_the_domain(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    before = dict(cloudflare.account.domains)
    asked = zones.requests
    zones.workers.publish(zone, "example.test", TEXT.replace("testing", "enforce"))
    assert zones.requests == asked + 2
    assert cloudflare.account.domains == before
    assert "mode: enforce" in (cloudflare.served(HOST) or "")


def test_removing_takes_domain_script_and_record_away_and_can_be_repeated(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    for _ in range(2):
        zones.workers.remove(zone, "example.test")
        assert (cloudflare.account.scripts, cloudflare.account.domains) == ({}, {})
        assert cloudflare.records("example.test") == []


def test_a_subdomain_in_a_parents_zone_has_its_worker_there(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "lists.example.test", TEXT)
    assert [name for _, name, _, _ in records(cloudflare)] == ["mta-sts.lists.example.test"]
    zones.workers.remove(zone, "example.test")
    assert cloudflare.served("mta-sts.lists.example.test")


@pytest.mark.parametrize("call", ["look", "publish", "remove"])
def test_without_the_accounts_right_one_line_names_it(
    cloudflare: StandIn, zones: Zones, zone: Zone, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    cloudflare.add_token(WITHOUT_RIGHT, listing=True)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", WITHOUT_RIGHT)
    workers, rest = Zones().workers, (TEXT,) if call == "publish" else ()
    with pytest.raises(NotPermitted, match="Account > Workers Scripts > Edit") as refused:
        getattr(workers, call)(zone, "example.test", *rest)
    assert "\n" not in str(refused.value)
    assert "Zone > DNS" not in str(refused.value)
    assert cloudflare.served(HOST) == script_for("example.test", TEXT)


def test_a_zone_whose_account_is_not_known_is_unreachable(zones: Zones, zone: Zone) -> None:
    nowhere = Zone(zone.id, zone.name, "active", zone.nameservers)
    with pytest.raises(Unreachable, match="which account"):
        zones.workers.look(nowhere, "example.test")


def test_another_workers_domain_is_named_and_left_alone(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    (domain,) = cloudflare.account.domains.values()
    cloudflare.account.scripts["website"] = cloudflare.account.scripts.pop(NAME)
    domain["service"] = "website"
    assert zones.workers.look(zone, "example.test") == Hosted(domain_service="website", script=NAME)
    with pytest.raises(Refused, match="another Worker, website"):
        zones.workers.publish(zone, "example.test", TEXT)
    zones.workers.remove(zone, "example.test")
    assert cloudflare.account.domains == {domain["id"]: domain}
    assert list(cloudflare.account.scripts) == ["website"]


def test_a_record_in_the_way_is_refused_with_what_to_do(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    cloudflare.seed("example.test", {"type": "A", "name": "mta-sts", "content": "198.51.100.1"})
    with pytest.raises(Refused, match=r"100117 .*: a record of that name is in the way") as refused:
        zones.workers.publish(zone, "example.test", TEXT)
    assert refused.value.code == 100117
    assert cloudflare.served(HOST) is None


def test_a_worker_that_something_else_uses_stays_and_says_what_to_do(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    cloudflare.account.scripts[NAME]["consumes"] = True
    with pytest.raises(Refused, match=r"10064 .*: something else in the account uses this Worker"):
        zones.workers.remove(zone, "example.test")
    del cloudflare.account.scripts[NAME]["consumes"]
    zones.workers.remove(zone, "example.test")
    assert cloudflare.account.scripts == {}


def test_a_domain_that_somebody_else_removes_meanwhile_is_removed(
    cloudflare: StandIn, zones: Zones, zone: Zone
) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    (identifier,) = cloudflare.account.domains
    # The change is made, and no answer comes. So it is sent again, when nothing is left to remove.
    cloudflare.fail_next(Fault("cut_after", on=identifier))
    cloudflare.fail_next(Fault("cut_after", on=NAME))
    zones.workers.remove(zone, "example.test")
    assert (cloudflare.account.scripts, cloudflare.account.domains) == ({}, {})


@pytest.mark.parametrize("on", [NAME, "workers/domains"])
def test_a_change_without_an_answer_is_of_unknown_outcome(
    cloudflare: StandIn, zones: Zones, zone: Zone, on: str
) -> None:
    zones.workers.look(zone, "example.test")
    if on == "workers/domains":
        cloudflare.fail_next(Fault("changed", on=on))  # the look before the change
    for _ in range(3):
        cloudflare.fail_next(Fault("cut_before", on=on))
    with pytest.raises(OutcomeUnknown):
        zones.workers.publish(zone, "example.test", TEXT)
    zones.workers.publish(zone, "example.test", TEXT)
    assert cloudflare.served(HOST)


@pytest.mark.parametrize("result", [None, {}, [{"id": "1"}], ["mta-sts.example.test"]])
def test_a_list_of_domains_that_is_none_is_not_taken_for_an_empty_one(
    cloudflare: StandIn, zones: Zones, zone: Zone, result: object
) -> None:
    fault = Fault("changed", on="workers/domains", change=lambda body: {**body, "result": result})
    cloudflare.fail_next(fault)
    with pytest.raises(Unreachable):
        zones.workers.look(zone, "example.test")


def test_the_filter_of_the_list_is_not_relied_on(cloudflare: StandIn, zones: Zones, zone: Zone) -> None:
    zones.workers.publish(zone, "example.test", TEXT)
    foreign = {"id": "f" * 32, "hostname": "www.example.test", "service": "website"}
    cloudflare.fail_next(
        Fault("changed", on="workers/domains", change=lambda body: {**body, "result": [foreign]})
    )
    assert zones.workers.look(zone, "example.test").domain_service == ""


def test_the_script_is_named_for_the_domain() -> None:
    assert script_name("example.com") == "letterbox-mta-sts-example-com"
    assert script_name("lists.example.com") == "letterbox-mta-sts-lists-example-com"
    assert re.fullmatch("letterbox-mta-sts-my-example-com_[0-9a-f]{8}", script_name("my-example.com"))


def test_no_two_domains_share_a_name_that_cloudflare_would_refuse_or_mix_up() -> None:
    long = "x" * 63
    domains = ["a.b.test", "a-b.test", "a.b-test", "xn--mnchen-3ya.test", f"{long}.test", f"{long}.a.test"]
    names = [script_name(domain) for domain in domains]
    assert len(set(names)) == len(domains)
    assert all(re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,62}", name) for name in names)


def test_the_script_holds_the_text_as_a_constant_whatever_is_in_it() -> None:
    text = 'quote " and \\ and \u2028 and </script>\r\n'
    (constant,) = re.findall(r"^const POLICY = (.*);$", script_for("example.test", text), re.MULTILINE)
    assert json.loads(constant) == text
    assert constant.isascii()
