"""DNSSEC is on in the zones of the stand-in."""

from __future__ import annotations

import pytest

from tests.lab.cloudflare import StandIn


@pytest.fixture(autouse=True)
def signed(cloudflare: StandIn) -> None:
    """DNSSEC is on in the zone."""
    for name in ("example.test", "other.test"):
        cloudflare.zones[name].switch_dnssec({"status": "active"}, cloudflare.api.signer)
