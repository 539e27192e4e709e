"""A zone tells which other domains' mail it leads to a host of the inventory: those it has no more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from dns.world.leads import Lead, Leads
from tests.dns.example import DOMAIN, HOST, Run, inventory_text
from tests.lab.cloudflare import StandIn

ZONE, SUB, MX1 = "example.test", "sub.example.test", "mx1.example.test"
pytestmark = pytest.mark.usefixtures("cloudflare")

BOTH = {ZONE: DOMAIN, SUB: DOMAIN}


def unserved(inventory: Path) -> tuple[Leads, ...]:
    return sync.prepare(load(inventory), ZONE).unserved


def test_a_domain_in_the_same_zone_that_was_taken_out_is_seen(run: Run, inventory: Path) -> None:
    inventory.write_text(inventory_text({MX1: HOST}, BOTH))
    run(domain=SUB)
    assert unserved(inventory) == ()
    inventory.write_text(inventory_text({MX1: HOST}, {ZONE: DOMAIN}))
    assert unserved(inventory) == (Leads(SUB, (Lead(SUB, MX1, 10, 300, "its zone"),)),)


def test_a_domain_that_was_withdrawn_is_seen_with_its_time(run: Run, inventory: Path) -> None:
    inventory.write_text(inventory_text({MX1: HOST}, BOTH))
    run(domain=SUB)
    inventory.write_text(inventory_text({MX1: HOST}, {ZONE: DOMAIN}))
    run("--withdraw", domain=SUB)
    (leads,) = unserved(inventory)
    assert (leads.domain, leads.found) == (SUB, ())
    assert leads.withdrawn_until
    assert leads.withdrawn_until > datetime.now(UTC)


def test_an_mx_of_somebody_else_or_to_another_host_is_none_of_it(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    run()
    theirs = {"type": "MX", "name": "theirs", "content": MX1, "priority": 10}
    elsewhere = {"type": "MX", "name": "far", "content": "mx9.other.test", "comment": f"letterbox far.{ZONE}"}
    cloudflare.seed(ZONE, theirs, {**elsewhere, "priority": 10})
    assert unserved(inventory) == ()
