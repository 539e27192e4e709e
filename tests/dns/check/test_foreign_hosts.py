"""Mail hosts that are named in another zone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dns.check.found import found, published
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn


@pytest.fixture
def outside(world: World, cloudflare: StandIn, inventory: Path) -> Path:
    """A domain whose mail host is named in another zone."""
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"other.test": DOMAIN}))
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10})
    return inventory


def test_a_mail_host_of_another_zone_that_is_right_is_silent(world: World, outside: Path) -> None:
    assert found(world, outside, "other.test") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"content": "127.83.0.99"}, "missing"), ({"content": "104.16.0.1"}, "proxied")],
)
def test_a_mail_host_of_another_zone_with_other_addresses_is_found(
    world: World, cloudflare: StandIn, outside: Path, changes: dict[str, str], code: str
) -> None:
    published(cloudflare, "A", **changes)
    assert code in {finding.code for finding in found(world, outside, "other.test")}
