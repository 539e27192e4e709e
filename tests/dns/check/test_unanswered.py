"""Nameservers that do not answer are reported with the name and the reason. Nothing counts as absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns import check
from dns.check import report
from dns.check.findings import exit_code
from dns.inventory import load
from tests.dns.check.found import ALL, FAULTS, POLICIES, QUESTIONS, QUICK, RICH, codes, found
from tests.dns.example import OURS, inventory_text
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import MAIL4, NS1, SOA, World
from tests.lab.cloudflare import StandIn


@pytest.fixture
def rich(world: World, cloudflare: StandIn, inventory: Path) -> World:
    """The small Internet, with a domain that has every record that `dns.sync` can make."""
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": RICH}))
    cloudflare.seed("example.test", *POLICIES)
    return world


class TestNameserversThatDoNotAnswer:
    """A question that the zone's own nameservers do not answer is a required finding."""

    def test_with_every_record_there_all_is_right(self, rich: World, inventory: Path) -> None:
        assert found(rich, inventory) == []

    @pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
    def test_one_question_that_no_nameserver_answers_is_one_finding(
        self, rich: World, inventory: Path, question: tuple[str, str]
    ) -> None:
        for server in rich.ns:
            server.faults[question] = "SERVFAIL"
        (finding,) = found(rich, inventory)
        assert (finding.group, finding.code) == ("required", "nameserver-silent")
        assert (finding.name, finding.type) == question
        assert finding.problem.startswith(f"{question[0]} {question[1]}: is not answered by ")
        assert finding.problem.endswith("(none of 3 does): SERVFAIL")

    @pytest.mark.parametrize("fault", FAULTS)
    def test_however_the_mail_hosts_addresses_fail_there_is_one_finding_with_the_answer(
        self, world: World, inventory: Path, fault: Fault, request: pytest.FixtureRequest
    ) -> None:
        if fault == "drop":
            request.getfixturevalue("silence")
        for server in world.ns:
            server.faults["mx1.example.test", "*"] = fault
        (finding,) = found(world, inventory)
        assert finding.problem.startswith("mx1.example.test A and AAAA: is not answered by ")
        assert FAULTS[fault] in finding.problem
        assert exit_code([finding]) == 2

    @pytest.mark.parametrize("fault", [*QUICK, "drop"])
    def test_one_nameserver_that_fails_is_named_and_the_others_are_judged(
        self, world: World, inventory: Path, fault: Fault, request: pytest.FixtureRequest
    ) -> None:
        if fault == "drop":
            request.getfixturevalue("silence")
        world.ns[0].faults[ALL] = fault
        (finding,) = found(world, inventory)
        assert finding.code == "nameserver-silent"
        assert finding.problem.startswith(f"ns1.cloudflare.test ({NS1}): does not answer for example.test")
        assert FAULTS[fault] in finding.problem

    def test_beside_one_that_fails_a_missing_record_is_found_by_the_others(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        world.ns[0].faults[ALL] = "REFUSED"
        records = cloudflare.zones["example.test"].records
        for key in [key for key, record in records.items() if record["type"] == "AAAA"]:
            del records[key]
        cloudflare.publish()
        assert codes(found(world, inventory)) == [("required", "nameserver-silent"), ("required", "missing")]

    @pytest.mark.parametrize("fault", [*QUICK, "cut short"])
    def test_nameservers_that_all_fail_alike_are_one_finding(
        self, rich: World, inventory: Path, fault: Fault
    ) -> None:
        for server in rich.ns:
            server.faults[ALL] = fault
        (finding,) = found(rich, inventory)
        assert "(none of 3 does)" in finding.problem
        assert FAULTS[fault] in finding.problem

    def test_a_server_that_does_not_know_edns_is_asked_without_it(
        self, world: World, inventory: Path
    ) -> None:
        for server in (world.root, world.registry, *world.ns):
            server.knows_edns = False
        assert found(world, inventory) == []

    def test_the_summary_counts_answers(self, world: World, inventory: Path) -> None:
        world.ns[0].faults[ALL] = "REFUSED"
        read = load(inventory)
        seen, findings = check.examine(read, read.domain("example.test"), {}, vantage=world.vantage)
        assert "(answered: 2 of 3 nameserver addresses, 1 resolvers," in report.summary(seen, findings)
        said = report.to_json(seen, findings)["nameservers"]
        assert [one["answered"] for one in said] == [False, True, True]  # type: ignore[attr-defined]


class TestDelegationBelowTheZone:
    """A mail host that is delegated away below the zone is looked up where the delegation leads."""

    @pytest.fixture(autouse=True)
    def delegated(self, world: World, zones_dir: Path) -> None:
        path = zones_dir / "example.test.zone"
        kept = [line for line in path.read_text().splitlines() if not line.startswith("mx1.")]
        path.write_text("\n".join([*kept, "mx1.example.test. 60 IN NS a.registry.test.", ""]))

    def test_if_nobody_answers_for_it_it_is_required_once(self, world: World, inventory: Path) -> None:
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("required", "shadowed")
        assert (finding.name, finding.type) == ("mx1.example.test", "A")
        assert "delete the NS records of mx1.example.test" in finding.fix

    def test_if_the_records_are_there_it_is_advised(self, world: World, inventory: Path) -> None:
        zone = f"{SOA}@ 60 NS a.registry.test.\n@ 60 A {MAIL4}\n@ 60 AAAA ::1\n"
        world.registry.zones["mx1.example.test"] = zone
        assert codes(found(world, inventory)) == [("advised", "shadowed")]

    def test_if_other_records_are_there_it_is_required(self, world: World, inventory: Path) -> None:
        zone = f"{SOA}@ 60 NS a.registry.test.\n@ 60 A 192.0.2.9\n@ 60 AAAA ::1\n"
        world.registry.zones["mx1.example.test"] = zone
        assert codes(found(world, inventory)) == [("required", "shadowed")]
