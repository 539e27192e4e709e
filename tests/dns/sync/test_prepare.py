"""What a deploy calls: prepare, then apply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dns import sync
from dns.cloudflare.zones import Zones
from dns.inventory import load
from tests.dns.example import DOMAIN, WANTED, inventory_text, values
from tests.dns.loopback.world import World
from tests.lab.cloudflare import Fault, StandIn


def test_a_deploy_calls_prepare_and_then_apply(cloudflare: StandIn, inventory: Path) -> None:
    prepared = sync.prepare(load(inventory), "example.test", addresses={})
    assert prepared.changes == 3
    assert "+ example.test MX 10 mx1.example.test" in str(prepared)
    sync.apply(prepared)
    assert values(cloudflare) == WANTED
    cloudflare.requests.clear()
    again = sync.prepare(load(inventory), "example.test", addresses={})
    assert (again.changes, again.in_sync) == (0, True)
    sync.apply(again)
    assert len(cloudflare.requests) == 2


def test_addresses_that_the_inventory_leaves_out_come_from_the_caller(
    cloudflare: StandIn, inventory: Path
) -> None:
    inventory.write_text(
        inventory_text({"mx1.example.test": {"allow_private_address": True}}, {"example.test": DOMAIN})
    )
    own = {"mx1.example.test": sync.Addresses(ipv4=("198.18.0.25",), ipv6=("fd00::25",))}
    sync.apply(sync.prepare(load(inventory), "example.test", own))
    assert values(cloudflare) == WANTED


def test_a_host_without_a_public_address_is_reported(cloudflare: StandIn, inventory: Path) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": {}}, {"example.test": DOMAIN}))
    own = {"mx1.example.test": sync.Addresses(ipv4=("10.0.0.5",))}
    with pytest.raises(sync.SyncError, match=r"has no public address \(its own: 10\.0\.0\.5\)"):
        sync.prepare(load(inventory), "example.test", own)


class TestPlannedAgain:
    """A plan that is made again after a conflict deletes no address that mail is led to."""

    @pytest.fixture
    def going(self, world: World, cloudflare: StandIn, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """An address of ours that the inventory no longer has, whose time is over."""
        monkeypatch.setenv("LETTERBOX_RESOLVER", world.resolver.resolver)
        comment = "letterbox until 2026-01-01T00:00:00Z example.test"
        old = {"type": "A", "name": "old", "content": "198.18.0.9", "comment": comment}
        (record,) = cloudflare.seed("example.test", old)
        return record

    def led_there(self, cloudflare: StandIn) -> None:
        """Somebody adds an MX, at another name, that leads to the old one."""
        mx = {"type": "MX", "name": "lists", "content": "old.example.test", "priority": 5}
        cloudflare.seed("example.test", mx)

    def test_it_deletes_the_name_as_long_as_nothing_leads_there(
        self, cloudflare: StandIn, inventory: Path, going: dict[str, Any]
    ) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        again = prepared.planned_on(Zones().records(prepared.zone))
        assert [held.id for held in again.deletes] == [going["id"]]
        assert again.staying == ()

    def test_it_keeps_the_name_that_an_mx_leads_to_by_now(
        self, cloudflare: StandIn, inventory: Path, going: dict[str, Any]
    ) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        self.led_there(cloudflare)
        (kept,) = prepared.planned_on(Zones().records(prepared.zone)).staying
        assert (kept.record.name, kept.until) == ("old.example.test", None)
        assert "lists.example.test MX 5 old.example.test leads mail to this name" in kept.reason

    def test_a_change_that_was_refused_does_not_delete_the_name_at_the_second_attempt(
        self, cloudflare: StandIn, inventory: Path, going: dict[str, Any]
    ) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        self.led_there(cloudflare)
        cloudflare.fail_next(Fault("refuse", "/batch", 400, 81058, "An identical record already exists."))
        sync.apply(prepared)
        assert going["id"] in {record["id"] for record in cloudflare.records("example.test")}
        assert ("MX", "example.test", "mx1.example.test", 10) in values(cloudflare)
