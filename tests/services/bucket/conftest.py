"""A store, a gateway of faults before it, and the service, for the tests of the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.bucket.client import Client
from tests.bucket.gateway import Gateway, gateway
from tests.bucket.seaweed import Engine, seaweed
from tests.bucket.service import Service, service


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One store for all tests. Each has a prefix of its own in its bucket."""
    with seaweed() as running:
        yield running


@pytest.fixture
def gate(engine: Engine) -> Iterator[Gateway]:
    with gateway(engine.endpoint) as running:
        yield running


@pytest.fixture
def url(request: pytest.FixtureRequest, gate: Gateway) -> str:
    """The bucket behind the gateway, with a prefix of the test's own."""
    return f"{gate.url('mail')}/{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
def bucket(tmp_path: Path, url: str, engine: Engine) -> Iterator[Service]:
    with service(tmp_path / "bucket", [url], engine.key, engine.secret) as running:
        yield running


@pytest.fixture
def client(bucket: Service) -> Iterator[Client]:
    with bucket.client() as connected:
        yield connected
