"""A host that has IPv4 or IPv6 only, from the inventory to what the nameservers should answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns import check, sync
from dns.inventory import load
from dns.world.expected import from_plan
from tests.dns.example import DOMAIN, HOST, OURS, WANTED, Run, inventory_text, values
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn


class TestOneIpVersion:
    """A host that has IPv4 or IPv6 only."""

    def write(self, inventory: Path, **host: object) -> None:
        inventory.write_text(inventory_text({"mx1.example.test": {**HOST, **host}}, {"example.test": DOMAIN}))

    @pytest.mark.parametrize(("key", "kind"), [("public_ipv6", "AAAA"), ("public_ipv4", "A")])
    def test_no_record_is_made_for_the_other_and_the_host_is_not_asked(
        self, cloudflare: StandIn, run: Run, inventory: Path, key: str, kind: str
    ) -> None:
        self.write(inventory, **{key: False})
        code, _, err = run()
        assert (code, err) == (0, "")
        assert values(cloudflare) == {value for value in WANTED if value[0] != kind}
        assert "in sync" in run()[1]

    @pytest.mark.parametrize(("key", "kind"), [("public_ipv6", "AAAA"), ("public_ipv4", "A")])
    def test_one_that_we_made_before_is_taken_away(
        self, cloudflare: StandIn, run: Run, inventory: Path, key: str, kind: str
    ) -> None:
        run()
        self.write(inventory, **{key: False})
        assert run()[0] == 0
        assert values(cloudflare) == {value for value in WANTED if value[0] != kind}

    def test_one_of_somebody_else_is_in_the_way(self, cloudflare: StandIn, run: Run, inventory: Path) -> None:
        cloudflare.seed("example.test", {"type": "AAAA", "name": "mx1", "content": "fd00::99"})
        self.write(inventory, public_ipv6=False)
        code, _, err = run()
        assert code == 1
        assert "--replace-address fd00::99" in err
        assert run("--replace-address", "fd00::99")[0] == 0

    def test_the_nameservers_should_answer_that_there_is_none(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        self.write(inventory, public_ipv6=False)
        wanted = from_plan(sync.prepare(load(inventory), "example.test", {}).plan)
        assert {one.type: one.values for one in wanted}["AAAA"] == frozenset()

    def test_the_check_expects_none_and_reports_one_that_is_there(
        self, world: World, cloudflare: StandIn, inventory: Path
    ) -> None:
        inventory.write_text(
            inventory_text({"mx1.example.test": {**OURS, "public_ipv6": False}}, {"example.test": DOMAIN})
        )
        read = load(inventory)
        _, findings = check.examine(read, read.domains[0], {}, vantage=world.vantage)
        assert "address-surplus" in {one.code for one in findings if one.group == "required"}
        zone = cloudflare.zones["example.test"]
        (aaaa,) = [record for record in zone.records.values() if record["type"] == "AAAA"]
        del zone.records[aaaa["id"]]
        cloudflare.publish()
        _, findings = check.examine(read, read.domains[0], {}, vantage=world.vantage)
        assert [one for one in findings if one.group == "required"] == []
