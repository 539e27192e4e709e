"""Fixtures: a bucket that is empty for each test, its service, and hosts."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receiver.bucket.client import Client
from tests.bucket.seaweed import Engine, seaweed
from tests.receiver.transfer.fleet import Host, Service, service

_NUMBER = itertools.count(1)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with seaweed() as running:
        yield running


@pytest.fixture
def bucket(engine: Engine, tmp_path: Path) -> Iterator[Service]:
    """The service of a part of the bucket that no other test uses."""
    with service(tmp_path, engine, [f"{engine.url}/test-{next(_NUMBER)}"]) as running:
        yield running


@pytest.fixture
def client(bucket: Service) -> Iterator[Client]:
    with bucket.client() as connected:
        yield connected


@pytest.fixture
def new_host(bucket: Service, tmp_path: Path) -> Callable[..., Host]:
    """Make a host. `tables` are further tables of its letterbox.toml."""
    number = itertools.count(1)

    def make(tables: str = "") -> Host:
        at = next(number)
        return Host(tmp_path / f"host{at}", bucket.path, tables, f"mx{at}.example.test")

    return make


@pytest.fixture
def silent_resolver(tmp_path: Path) -> Iterator[Path]:
    """The socket of a resolver that never answers, so that each check of a sender is temperror."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "silent"))
        listening.listen(128)
        yield tmp_path / "silent"
