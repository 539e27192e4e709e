"""Two domains of an inventory in one zone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from tests.dns.example import DOMAIN, HOST, WANTED, Run, inventory_text, values
from tests.lab.cloudflare import StandIn


def test_two_domains_of_one_zone_do_not_delete_each_others_records(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    domains = {"example.test": DOMAIN, "sub.example.test": DOMAIN}
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, domains))
    for domain in (*domains, *domains):
        assert run(domain=domain)[0] == 0
    assert values(cloudflare) == WANTED | {("MX", "sub.example.test", "mx1.example.test", 10)}
    assert "in sync" in run()[1]


class TestTwoDomainsOfOneZone:
    """They share the addresses of the mail host, whichever of them made the records."""

    @pytest.fixture
    def both(self, cloudflare: StandIn, run: Run, inventory: Path) -> tuple[str, ...]:
        domains = {"example.test": DOMAIN, "sub.example.test": {**DOMAIN, "ttl": 600}}
        inventory.write_text(inventory_text({"mx1.example.test": HOST}, domains))
        for domain in domains:
            assert run(domain=domain)[0] == 0
        cloudflare.requests.clear()
        return tuple(domains)

    @pytest.mark.parametrize("first", [0, 1])
    def test_an_address_that_changes_is_changed_by_either(
        self, cloudflare: StandIn, run: Run, inventory: Path, both: tuple[str, ...], first: int
    ) -> None:
        inventory.write_text(inventory.read_text().replace("198.18.0.25", "198.18.0.99"))
        for domain in (both[first], both[1 - first]):
            assert run(domain=domain)[0] == 0
        addresses = {value[2] for value in values(cloudflare) if value[0] == "A"}
        assert addresses == {"198.18.0.99"}
        assert [run("--check", domain=domain)[0] for domain in both] == [0, 0]

    def test_a_deploy_that_planned_both_before_it_changed_either_makes_both(
        self, cloudflare: StandIn, inventory: Path, both: tuple[str, ...]
    ) -> None:
        inventory.write_text(inventory.read_text().replace("198.18.0.25", "198.18.0.99"))
        plans = [sync.prepare(load(inventory), domain, {}) for domain in both]
        assert not any(each.plan.obstacles for each in plans)
        for each in plans:
            sync.apply(each)
        assert all(sync.prepare(load(inventory), domain, {}).in_sync for domain in both)

    def test_their_ttls_do_not_change_for_ever(
        self, cloudflare: StandIn, run: Run, both: tuple[str, ...]
    ) -> None:
        for domain in (*both, *both):
            assert "in sync" in run(domain=domain)[1]
