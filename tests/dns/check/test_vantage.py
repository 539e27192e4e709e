"""What only this vantage point sees is unknown: exit code 1, and no advice to delete anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dns.check.findings import exit_code
from tests.dns.check.found import FAULTS, QUICK, codes, delegating, found
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import REFERENCE, World
from tests.lab.cloudflare import StandIn


class TestThisNetworkAlone:
    """What only this vantage point sees is unknown: exit code 1, and no advice to delete anything."""

    def test_port_25_that_this_network_refuses_to_everybody_is_one_unknown(
        self, world: World, inventory: Path
    ) -> None:
        for host in world.mail:
            host.close()
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "port-25")
        assert finding.problem.count("mx1.example.test") == 2  # both addresses
        assert "this network probably blocks port 25" in finding.problem

    def test_a_relay_that_catches_every_connection_is_one_unknown(
        self, world: World, inventory: Path
    ) -> None:
        for host in world.mail:
            host.greeting = "220 relay.isp.test ESMTP"
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "port-25")
        assert "relay.isp.test answers in place of the host" in finding.problem

    @pytest.mark.parametrize("greeting", ["", "554 relay.isp.test no", "220 ***************"])
    def test_whatever_else_answers_in_place_of_all_is_unknown(
        self, world: World, inventory: Path, greeting: str
    ) -> None:
        for host in world.mail:
            host.greeting = greeting
        assert codes(found(world, inventory)) == [("unknown", "port-25")]

    def test_a_refusal_counts_if_others_are_reached(self, world: World, inventory: Path) -> None:
        for host in world.mail[:2]:
            host.close()
        assert codes(found(world, inventory)) == [("required", "port-25")] * 2

    def test_without_anybody_to_compare_with_a_refusal_is_unknown(
        self, world: World, inventory: Path
    ) -> None:
        world.mail[0].close()
        findings = found(world, inventory, vantage=replace(world.vantage, references=()))
        assert codes(findings) == [("unknown", "port-25")]

    def test_a_reference_whose_name_cannot_be_looked_up_proves_nothing(
        self, world: World, inventory: Path
    ) -> None:
        world.mail[0].close()
        world.resolver.faults[REFERENCE, "*"] = "SERVFAIL"
        assert codes(found(world, inventory)) == [("unknown", "port-25")]

    def test_if_something_else_answers_for_the_root_wrong_records_are_unknown(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        world.root.offers_recursion = True
        cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "192.0.2.9"})
        findings = found(world, inventory)
        assert codes(findings) == [("unknown", "delegation"), ("unknown", "address-surplus")]
        assert all("--replace" not in finding.fix for finding in findings)
        assert exit_code(findings) == 1

    @pytest.fixture
    def elsewhere(self, world: World, cloudflare: StandIn, inventory: Path) -> Path:
        """A domain whose mail host is named in another zone."""
        inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"other.test": DOMAIN}))
        mx = {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10}
        cloudflare.seed("other.test", mx)
        return inventory

    def test_a_resolver_that_rewrites_a_host_of_another_zone_is_overruled_by_that_zone(
        self, world: World, elsewhere: Path
    ) -> None:
        world.resolver.hosts = {"mx1.example.test": "10.9.9.9"}
        assert found(world, elsewhere, "other.test") == []

    def test_a_host_of_another_zone_that_only_a_resolver_answers_is_unknown(
        self, world: World, elsewhere: Path
    ) -> None:
        world.resolver.hosts = {"mx1.example.test": "10.9.9.9"}
        for server in world.ns:
            server.folder = None
        world.registry.faults["mx1.example.test", "*"] = "REFUSED"
        world.root.offers_recursion = True
        findings = found(world, elsewhere, "other.test")
        assert {finding.group for finding in findings} == {"unknown"}
        assert all(finding.fix != "delete this record" for finding in findings)

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_host_of_another_zone_that_its_own_nameservers_do_not_answer_is_required(
        self, world: World, elsewhere: Path, fault: Fault
    ) -> None:
        for server in world.ns:
            server.faults["mx1.example.test", "A"] = fault
        (finding,) = found(world, elsewhere, "other.test")
        assert (finding.group, finding.code) == ("required", "nameserver-silent")
        assert "mx1.example.test A: is not answered by the nameservers of its zone" in finding.problem
        assert FAULTS[fault] in finding.problem

    def test_a_host_of_a_domain_that_nobody_registered_has_no_address(
        self, world: World, elsewhere: Path
    ) -> None:
        delegating(world, *(f"other.test. 60 NS ns{n}.cloudflare.test." for n in (1, 2)))
        assert codes(found(world, elsewhere, "other.test")) == [("required", "no-address")]
