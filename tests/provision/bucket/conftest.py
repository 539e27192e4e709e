"""A lab of two mail hosts, and a store in its network that speaks S3. Nothing is deployed in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bucket.seaweed import seaweed
from tests.conftest import usable_lab
from tests.lab import lifecycle
from tests.lab.network import CONTROL
from tests.provision.bucket.place import Place


@pytest.fixture(scope="session")
def bucket_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The store runs on this machine, at its address in the lab's network."""
    folder = tmp_path_factory.mktemp("bucket")
    lab = usable_lab(request.config, folder / ".lab", quiet=True, hosts=2)
    try:
        for target in lab.targets:  # an image without a root has no package ca-certificates either
            target.write("/etc/ssl/certs/ca-certificates.crt", lab.trusted.read_text())
        with seaweed(address=lab.network.address4(CONTROL)) as engine:
            yield Place(lab, engine, folder)
    finally:
        lifecycle.take_down(lab.folder)
