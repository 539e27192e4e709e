"""A store, a gateway of faults before it, and the service, for the tests of the bucket."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from receiver.bucket.client import Client
from receiver.mailbox import Mailbox
from tests.bucket.gateway import Gateway, gateway
from tests.bucket.seaweed import Engine, seaweed
from tests.bucket.service import Service, service


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One store for all tests. Each has a prefix of its own in its bucket."""
    with seaweed() as running:
        yield running


@pytest.fixture(scope="module")
def shared_gate(engine: Engine) -> Iterator[Gateway]:
    with gateway(engine.endpoint) as running:
        yield running


@pytest.fixture
def gate(shared_gate: Gateway) -> Iterator[Gateway]:
    """The gateway before the store. It has no faults at first."""
    yield shared_gate
    shared_gate.delay, shared_gate.together = 0.0, 0
    shared_gate.heal()


@pytest.fixture(scope="module")
def bucket(
    tmp_path_factory: pytest.TempPathFactory, shared_gate: Gateway, engine: Engine
) -> Iterator[Service]:
    """The service behind the gateway. It has a prefix of its own in the bucket."""
    folder = tmp_path_factory.mktemp("bucket")
    url = f"{shared_gate.url('mail')}/{secrets.token_hex(4)}"
    with service(folder, [url], engine.key, engine.secret) as running:
        yield running


@pytest.fixture
def client(bucket: Service) -> Iterator[Client]:
    with bucket.client() as connected:
        yield connected


@pytest.fixture
def bob() -> Mailbox:
    """A mailbox at a domain of the test's own."""
    return Mailbox(f"{secrets.token_hex(4)}.example", "bob")
