"""The world of these tests: see `world`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dns.loopback import real_nameservers
from tests.services.renewal import pebble
from tests.services.renewal import world as worlds
from tests.services.renewal.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A world in which nothing has happened yet."""
    if not real_nameservers.is_installed("knotd"):
        pytest.skip("Knot DNS is not installed (apt-get install knot)")
    if pebble.program() is None:
        pytest.skip("Pebble is not installed, and mmdebstrap, which would fetch it, neither")
    with worlds.running() as running:
        yield running
