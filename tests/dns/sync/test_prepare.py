"""The way in for a deploy: prepare, then apply."""

from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from tests.dns.example import DOMAIN, WANTED, inventory_text, values
from tests.lab.cloudflare import StandIn


def test_the_deploys_way_in_is_prepare_then_apply(cloudflare: StandIn, inventory: Path) -> None:
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


def test_addresses_that_the_inventory_leaves_out_are_the_callers(
    cloudflare: StandIn, inventory: Path
) -> None:
    inventory.write_text(
        inventory_text({"mx1.example.test": {"allow_private_address": True}}, {"example.test": DOMAIN})
    )
    own = {"mx1.example.test": sync.Addresses(ipv4=("198.18.0.25",), ipv6=("fd00::25",))}
    sync.apply(sync.prepare(load(inventory), "example.test", own))
    assert values(cloudflare) == WANTED


def test_a_host_without_a_public_address_is_said(cloudflare: StandIn, inventory: Path) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": {}}, {"example.test": DOMAIN}))
    own = {"mx1.example.test": sync.Addresses(ipv4=("10.0.0.5",))}
    with pytest.raises(sync.SyncError, match=r"has no public address \(its own: 10\.0\.0\.5\)"):
        sync.prepare(load(inventory), "example.test", own)
