"""Keys and DS records. If one server does not answer, the next is asked. If none does, it is unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dns.check.findings import exit_code
from dns.world.nameservers import Server
from tests.dns.check.found import ALL, FAULTS, QUESTIONS, QUICK, codes, found, only
from tests.dns.check.keys import DS, sign
from tests.dns.loopback import world as loopback
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import NS1, World


class TestSignatures:
    """Keys and DS records. If one server does not answer, the next is asked. If none does, it is unknown."""

    @pytest.fixture
    def signed(self, world: World, zones_dir: Path) -> World:
        sign(zones_dir)
        world.registry.zones["test"] = f"{loopback.REGISTRY_ZONE}example.test. 60 DS {DS}\n"
        return world

    @pytest.mark.parametrize("fault", QUICK)
    def test_one_nameserver_that_fails_for_the_keys_alone_changes_nothing(
        self, signed: World, inventory: Path, fault: Fault
    ) -> None:
        signed.ns[0].faults["example.test", "DNSKEY"] = fault
        assert found(signed, inventory) == []

    def test_beside_a_lame_nameserver_the_keys_are_those_of_the_others(
        self, signed: World, inventory: Path
    ) -> None:
        signed.ns[0].faults[ALL] = "REFUSED"
        assert codes(found(signed, inventory)) == [("required", "nameserver-silent")]

    @pytest.mark.parametrize("fault", QUICK)
    def test_keys_that_no_nameserver_answers_are_unknown_and_no_ds_should_be_deleted(
        self, signed: World, inventory: Path, fault: Fault
    ) -> None:
        for server in signed.ns:
            server.faults["example.test", "DNSKEY"] = fault
        (finding,) = found(signed, inventory)
        assert (finding.group, finding.code) == ("unknown", "ds")
        assert FAULTS[fault] in finding.problem
        assert "delete" not in finding.fix
        assert exit_code([finding]) == 1

    def test_a_nameserver_with_an_unsigned_copy_of_the_zone_is_named(
        self, signed: World, inventory: Path, tmp_path: Path, zones_dir: Path
    ) -> None:
        old = tmp_path / "old"
        old.mkdir()
        text = (zones_dir / "example.test.zone").read_text()
        unsigned = "".join(line for line in text.splitlines(keepends=True) if "DNSKEY" not in line)
        (old / "example.test.zone").write_text(unsigned)
        signed.ns[0].folder = old
        (finding,) = found(signed, inventory)
        assert (finding.group, finding.code) == ("required", "unsigned")
        assert finding.problem.startswith(f"ns1.cloudflare.test ({NS1}): has no keys")

    @pytest.mark.parametrize("fault", QUICK)
    def test_a_ds_that_the_parent_does_not_answer_is_unknown(
        self, world: World, inventory: Path, fault: Fault
    ) -> None:
        world.registry.faults["example.test", "DS"] = fault
        (finding,) = found(world, inventory)
        assert (finding.group, finding.code) == ("unknown", "ds")

    def test_a_wrong_ds_is_one_finding_though_resolvers_refuse_all(
        self, signed: World, inventory: Path
    ) -> None:
        signed.registry.zones["test"] = f"{loopback.REGISTRY_ZONE}example.test. 60 DS {DS[:-4]}0000\n"
        for name, kind in QUESTIONS[:3]:
            signed.resolver.faults[name, kind] = "bogus"
        at = Server("resolver", signed.resolver.address)
        findings = found(signed, inventory, vantage=replace(signed.vantage, resolvers=(at,) * 4))
        assert codes(findings) == [("required", "ds")]

    def test_signatures_that_resolvers_refuse_are_one_finding(self, signed: World, inventory: Path) -> None:
        signed.resolver.faults["example.test", "MX"] = "bogus"
        at = Server("resolver", signed.resolver.address)
        findings = found(signed, inventory, vantage=replace(signed.vantage, resolvers=(at,) * 4))
        assert codes(findings) == [("required", "bogus")]

    def test_a_resolver_that_fails_for_another_reason_does_not_refuse_signatures(
        self, signed: World, inventory: Path
    ) -> None:
        signed.resolver.faults["example.test", "MX"] = "SERVFAIL"
        assert codes(found(signed, inventory)) == [("unknown", "resolver")]


def test_a_signed_zone_without_ds_is_advised_with_the_line_for_the_registrar(
    world: World, inventory: Path, zones_dir: Path
) -> None:
    sign(zones_dir)
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("advised", "ds-missing")
    assert f"example.test. DS {DS}" in finding.fix


def test_a_ds_that_fits_a_key_is_silent(world: World, inventory: Path, zones_dir: Path) -> None:
    sign(zones_dir)
    world.registry.zones = {"test": f"{loopback.REGISTRY_ZONE}example.test. 60 DS {DS}\n"}
    assert found(world, inventory) == []


@pytest.mark.parametrize("signed", [True, False])
def test_a_ds_that_fits_no_key_is_found(world: World, inventory: Path, zones_dir: Path, signed: bool) -> None:
    if signed:
        sign(zones_dir)
    other = DS[:-4] + "0000"
    world.registry.zones = {"test": f"{loopback.REGISTRY_ZONE}example.test. 60 DS {other}\n"}
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("required", "ds")
    assert (DS if signed else "delete it") in finding.fix
