"""`dns.check` against a small Internet on loopback: what is wrong is found, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dns import check
from dns.check.findings import exit_code
from dns.inventory import load
from dns.inventory.host_reports import HostReports, Reason, Reported
from tests.dns.check.found import found, only, published
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback import world as loopback
from tests.dns.loopback.world import MAIL4, MAIL6, World
from tests.lab.cloudflare import StandIn


def test_a_right_set_up_is_silent(world: World, inventory: Path) -> None:
    assert found(world, inventory) == []


def test_everything_was_asked(world: World, inventory: Path) -> None:
    read = load(inventory)
    seen, _ = check.examine(read, read.domain("example.test"), {}, vantage=world.vantage)
    assert seen.delegation
    assert seen.delegation.parent == "test"
    assert {(one.server.name, one.server.address) for one in seen.servers} == {
        ("ns1.cloudflare.test", loopback.NS1),
        ("ns2.cloudflare.test", loopback.NS2),
        ("ns2.cloudflare.test", loopback.NS2_6),
    }
    assert {place.address for place in seen.addresses} == {MAIL4, MAIL6}
    assert [one.server.address for one in seen.resolvers] == [loopback.RESOLVER]


@pytest.mark.parametrize(
    ("record", "code", "fix"),
    [
        ({"type": "MX", "content": ".", "priority": 0}, "null-mx", "--replace-mx ."),
        ({"type": "MX", "content": "old.test", "priority": 5}, "mx-surplus", "--replace-mx old.test"),
        (
            {"type": "A", "name": "mx1", "content": "192.0.2.9"},
            "address-surplus",
            "--replace-address 192.0.2.9",
        ),
    ],
)
def test_a_foreign_record_is_found_with_the_command_that_replaces_it(
    world: World, cloudflare: StandIn, inventory: Path, record: dict[str, Any], code: str, fix: str
) -> None:
    cloudflare.seed("example.test", {"name": "@", **record})
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("required", code)
    assert fix in finding.fix


def test_a_proxied_mail_host_is_found_once_if_cloudflare_rewrites_the_mx(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    published(cloudflare, "A", proxied=True)
    codes = {finding.code for finding in found(world, inventory)}
    assert "rewritten" in codes
    assert "proxied" in codes
    assert codes <= {"rewritten", "proxied"}


def test_a_changed_preference_is_found(world: World, cloudflare: StandIn, inventory: Path) -> None:
    published(cloudflare, "MX", priority=77)
    assert only(world, inventory).code == "mx-preference"


def test_a_missing_record_is_found_as_its_line(world: World, cloudflare: StandIn, inventory: Path) -> None:
    records = cloudflare.zones["example.test"].records
    for key in [key for key, record in records.items() if record["type"] == "AAAA"]:
        del records[key]
    cloudflare.publish()
    finding = only(world, inventory)
    assert finding.problem == "mx1.example.test. AAAA ::1: is missing"
    assert finding.fix == "python -m dns.sync example.test"


def test_an_alias_in_place_of_the_mail_host_is_found_once(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    records = cloudflare.zones["example.test"].records
    for key in [key for key, record in records.items() if record["type"] in ("A", "AAAA")]:
        del records[key]
    cloudflare.seed("example.test", {"type": "CNAME", "name": "mx1", "content": "host.test"})
    assert {finding.code for finding in found(world, inventory)} == {"alias"}


def test_one_nameserver_that_does_not_know_the_zone_is_found(world: World, inventory: Path) -> None:
    world.ns[1].folder = None
    finding = only(world, inventory)
    assert finding.code == "nameserver-silent"
    assert f"ns2.cloudflare.test ({loopback.NS2})" in finding.problem
    assert "REFUSED" in finding.problem


def test_an_answer_without_authority_is_found(world: World, inventory: Path) -> None:
    world.ns[0].authoritative = False
    assert "not authoritative" in only(world, inventory).problem


def test_a_domain_that_the_registry_does_not_know_is_found(world: World, inventory: Path) -> None:
    world.registry.zones = {"test": loopback.SOA + "@ 60 NS a.registry.test.\n"}
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("required", "delegation")


def test_nameservers_at_the_registrar_that_are_not_cloudflares_are_found(
    world: World, inventory: Path
) -> None:
    meant = ("ann.ns.cloudflare.com", "bob.ns.cloudflare.com")
    assert only(world, inventory, nameservers=meant).group == "advised"  # they answer all the same
    world.ns[0].folder = None
    codes = {finding.code: finding for finding in found(world, inventory, nameservers=meant)}
    assert "ann.ns.cloudflare.com and bob.ns.cloudflare.com" in codes["delegation"].fix


def test_if_the_root_cannot_be_asked_the_delegation_is_unknown_and_the_rest_is_judged(
    world: World, inventory: Path
) -> None:
    world.root.zones = {}
    (finding,) = found(world, inventory)
    assert (finding.group, finding.code) == ("unknown", "delegation")
    assert exit_code([finding]) == 1


def test_a_network_that_answers_for_all_nameservers_makes_no_required_finding(
    world: World, inventory: Path
) -> None:
    world.root.offers_recursion = True
    for server in world.ns:
        server.authoritative = False
    findings = found(world, inventory)
    assert {finding.group for finding in findings} == {"unknown"}
    assert "answers in place of the root's nameservers" in findings[0].problem


def test_a_resolver_with_old_answers_is_reported_with_the_time_that_they_stay(
    world: World, cloudflare: StandIn, inventory: Path, zones_dir: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    text = (zones_dir / "example.test.zone").read_text()
    (old / "example.test.zone").write_text(text.replace(MAIL4, "127.83.0.99"))
    world.resolver.folder = old
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("advised", "stale")
    assert "for 300 s more" in finding.problem


def test_resolvers_are_not_asked_while_the_nameservers_lack_records(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    published(cloudflare, "MX", content="else.example.test")
    found(world, inventory)
    assert ("example.test", "MX") not in world.resolver.asked


def test_a_missing_policy_is_found_and_one_of_somebody_else_is_left_alone(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    quiet = {**DOMAIN, "sends_mail": False}
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": quiet}))
    assert {finding.code for finding in found(world, inventory)} == {"missing"}
    cloudflare.seed("example.test", {"type": "TXT", "name": "@", "content": "v=spf1 include:x.test ~all"})
    cloudflare.seed("example.test", {"type": "TXT", "name": "_dmarc", "content": "v=DMARC1; p=none"})
    assert found(world, inventory) == []


def test_a_failure_that_a_sender_reports_is_advice(world: World, inventory: Path) -> None:
    day = datetime.now(UTC).date()
    reason = Reason("certificate-expired", "the certificate had expired", 3, day, day, "mx1.example.test")
    line = Reported("google.com", "sts", "example.test", "testing", 7, 3, day, day, (reason,))
    finding = only(world, inventory, tls_reports={"mx1": HostReports((line,))})
    assert (finding.group, finding.code) == ("advised", "tls-failures")
    assert found(world, inventory, tls_reports={"mx1": HostReports(unread="no answer")}) == []


def test_waiting_ends_when_all_that_is_required_holds(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    published(cloudflare, "MX", priority=77)
    looks: list[int] = []

    def repaired(progress: object) -> None:
        looks.append(1)
        if len(looks) > 12:  # the first look shows progress more often than that
            published(cloudflare, "MX", priority=10)

    assert found(world, inventory, seconds=60, on_progress=repaired) == []
