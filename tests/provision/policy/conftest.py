"""A lab of two hosts with what a policy needs: an authority for certificates, and Cloudflare's edge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import usable_lab
from tests.lab import lifecycle
from tests.lab.tls import edge, pebble
from tests.provision.policy.place import Place


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Nothing is deployed in it. Each module has its own, because what was published once counts later."""
    folder = tmp_path_factory.mktemp("policy")
    lab = usable_lab(request.config, folder / ".lab", quiet=True, hosts=2)
    try:
        with (
            pebble.running(lab.world) as authority,
            edge.trusting(lab, authority.authority, authority.root()),
        ):
            yield Place(lab, authority, folder)
    finally:
        lifecycle.take_down(lab.folder)
