"""A site of which the policy host is the edge of the stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dns.loopback.world import World
from tests.dns.sync.policies.site import Site, site_of
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.edge import Edge


@pytest.fixture
def site(cloudflare: StandIn, edge: Edge, internet: World, zones_dir: Path, patient: None) -> Site:
    internet.reset(zones_dir)
    cloudflare.publish()
    return site_of(cloudflare, internet.vantage, edge.port)
