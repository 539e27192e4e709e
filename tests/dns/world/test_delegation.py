"""Following the delegations from the root: one finding, for the true cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns.check.findings import exit_code
from dns.world import delegation
from tests.dns.check.found import ALL, QUICK, codes, delegating, found
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback import world as loopback
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import NS1, REGISTRY, SOA, World
from tests.lab.cloudflare import StandIn


class TestTheWayFromTheRoot:
    """One finding, for the true cause."""

    def test_nameservers_that_refer_upwards_are_named(self, world: World, inventory: Path) -> None:
        for server in world.ns:
            server.faults[ALL] = "upwards"
        (finding,) = found(world, inventory)
        assert finding.code == "nameserver-silent"
        assert "sends the asker on to the nameservers of the root" in finding.problem

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_lame_server_of_the_registry_is_passed_over(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        glue = f"a.registry.test. 60 A {REGISTRY}\nns1.cloudflare.test. 60 A {NS1}\n"
        servers = "test. 60 NS ns1.cloudflare.test.\ntest. 60 NS a.registry.test.\n"
        world.root.zones["."] = f"{SOA}@ 60 NS a.nic.test.\n{servers}{glue}"
        world.ns[0].faults["example.test", "NS"] = world.ns[0].faults["example.test", "DS"] = fault
        place = delegation.find("example.test", world.vantage.resolver, port=world.root.port)
        assert (place.zone, place.parent) == ("example.test", "test")
        assert place.ds == frozenset()

    def test_a_server_of_the_registry_that_is_behind_is_outvoted_by_a_referral(
        self, world: World, inventory: Path
    ) -> None:
        glue = f"a.registry.test. 60 A {REGISTRY}\nns1.cloudflare.test. 60 A {NS1}\n"
        servers = "test. 60 NS ns1.cloudflare.test.\ntest. 60 NS a.registry.test.\n"
        world.root.zones["."] = f"{SOA}@ 60 NS a.nic.test.\n{servers}{glue}"
        world.ns[0].zones["test"], world.ns[0].folder = f"{SOA}@ 60 NS a.registry.test.\n", None
        place = delegation.find("example.test", world.vantage.resolver, port=world.root.port)
        assert place.nameservers == ("ns1.cloudflare.test", "ns2.cloudflare.test")

    def test_a_nameserver_in_the_zone_without_glue_is_the_one_finding(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS ns1.example.test.", "example.test. 60 NS ns2.example.test.")
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("required", "glue")
        assert "ns1.example.test and ns2.example.test" in finding.fix

    def test_glue_that_one_of_several_lacks_is_advised(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        cloudflare.seed("example.test", {"type": "A", "name": "ns1", "content": NS1})
        delegating(world, "example.test. 60 NS ns1.example.test.", "example.test. 60 NS ns1.cloudflare.test.")
        assert ("advised", "glue") in codes(found(world, inventory))
        assert exit_code(found(world, inventory)) == 0

    def test_a_nameserver_in_the_zone_with_glue_is_asked_there(self, world: World, inventory: Path) -> None:
        delegating(world, "example.test. 60 NS ns1.example.test.", f"ns1.example.test. 60 A {NS1}")
        assert codes(found(world, inventory)) == [("advised", "nameservers-differ")]

    def test_a_nameserver_that_the_resolver_cannot_look_up_is_found_from_the_root(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS ns.dns.test.", "dns.test. 60 NS ns1.cloudflare.test.")
        world.ns[0].zones["dns.test"] = f"{SOA}@ 60 NS ns1.cloudflare.test.\nns 60 A {NS1}\n"
        world.resolver.faults["ns.dns.test", "*"] = "SERVFAIL"
        assert codes(found(world, inventory)) == [("advised", "nameservers-differ")]

    def test_a_nameserver_without_an_address_in_its_own_zone_is_required(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS ns.dns.test.", "dns.test. 60 NS ns1.cloudflare.test.")
        world.ns[0].zones["dns.test"] = f"{SOA}@ 60 NS ns1.cloudflare.test.\n"
        assert codes(found(world, inventory)) == [("required", "nameserver-address")]

    def test_a_nameserver_whose_address_nobody_knows_is_unknown(self, world: World, inventory: Path) -> None:
        delegating(world, "example.test. 60 NS ns.dns.test.", "dns.test. 60 NS ns1.cloudflare.test.")
        (finding,) = found(world, inventory)  # dns.test is delegated to a server that does not have this zone
        assert (finding.group, finding.code) == ("unknown", "nameservers")
        assert "ns.dns.test cannot be looked up" in finding.problem

    @pytest.mark.parametrize("together", [True, False], ids=["on one server", "on another server"])
    def test_an_unregistered_name_below_a_registry_that_is_a_zone_of_its_own_is_one_finding(
        self, world: World, inventory: Path, together: bool
    ) -> None:
        name = "shop.co.test"
        inventory.write_text(inventory_text({f"mx1.{name}": OURS}, {name: DOMAIN}))
        delegating(world, f"co.test. 60 NS {'a.registry' if together else 'ns1.cloudflare'}.test.")
        (world.registry if together else world.ns[0]).zones["co.test"] = f"{SOA}@ 60 NS a.registry.test.\n"
        world.mail[0].greeting = world.mail[1].greeting = f"220 mx1.{name} ESMTP"
        (finding,) = found(world, inventory, name)
        assert (finding.group, finding.code) == ("required", "delegation")
        assert finding.problem == f"{name}: the nameservers of co.test say that this name does not exist"
        assert finding.fix.startswith(f"register {name}")

    def test_a_name_in_a_zone_of_ours_that_has_nothing_yet_is_missing_its_records(
        self, world: World, inventory: Path
    ) -> None:
        inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"lists.example.test": DOMAIN}))
        named = ("ns1.cloudflare.test", "ns2.cloudflare.test")
        findings = found(world, inventory, "lists.example.test", nameservers=named)
        assert [finding.code for finding in findings] == ["missing"]
        assert findings[0].fix == "python -m dns.sync lists.example.test"

    def test_a_registry_that_holds_parent_and_child_is_followed_to_the_child(
        self, world: World, inventory: Path
    ) -> None:
        world.root.zones["test"] = loopback.REGISTRY_ZONE  # one server then holds the root and the registry
        assert found(world, inventory) == []

    def test_wrong_nameservers_at_the_registrar_are_the_one_finding(
        self, world: World, inventory: Path
    ) -> None:
        delegating(world, "example.test. 60 NS a.registry.test.")  # this server does not have the zone
        meant = ("ns1.cloudflare.test", "ns2.cloudflare.test")
        assert codes(found(world, inventory, nameservers=meant)) == [("required", "delegation")]
