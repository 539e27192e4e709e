"""Mail hosts named in another zone: remarked on when that zone does not lead to them, else silent."""

from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from dns.sync import Prepared
from tests.dns.conftest import DOMAIN, HOST, inventory_text
from tests.dns.nameserver import Nameserver
from tests.lab.cloudflare import StandIn


@pytest.fixture
def prepared(cloudflare: StandIn, inventory: Path) -> Prepared:
    """A domain whose mail host is named in another zone."""
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"other.test": DOMAIN}))
    return sync.prepare(load(inventory), "other.test", {})


RIGHT = (
    {"type": "A", "name": "mx1", "content": HOST["public_ipv4"]},
    {"type": "AAAA", "name": "mx1", "content": HOST["public_ipv6"]},
)


def test_a_host_that_its_own_zone_publishes_is_not_remarked_on(
    cloudflare: StandIn, prepared: Prepared, nameserver: Nameserver
) -> None:
    cloudflare.seed("example.test", *RIGHT)
    assert sync.outside_remarks(prepared, resolver=nameserver.resolver) == ()


def test_a_host_inside_the_zone_is_not_looked_up(cloudflare: StandIn, inventory: Path) -> None:
    inside = sync.prepare(load(inventory), "example.test", {})
    assert sync.outside_remarks(inside, resolver="127.0.0.1#1") == ()


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (RIGHT[:1], "its zone lacks mx1.example.test AAAA fd00::25"),
        (RIGHT[1:], "its zone lacks mx1.example.test A 198.18.0.25"),
        ((*RIGHT, {**RIGHT[0], "content": "192.0.2.9"}), "A 192.0.2.9, which is not this host's"),
        ((), "its zone does not answer for it"),
    ],
)
def test_a_host_that_its_zone_leads_elsewhere_is_remarked_on(
    cloudflare: StandIn,
    prepared: Prepared,
    nameserver: Nameserver,
    records: tuple[dict[str, str], ...],
    said: str,
) -> None:
    if records:
        cloudflare.seed("example.test", *records)
    (line,) = sync.outside_remarks(prepared, resolver=nameserver.resolver)
    assert said in line
