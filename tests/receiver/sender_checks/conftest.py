"""A receiver that checks senders, our resolver, and a nameserver, for all tests of a module."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dns.loopback.nameserver import Nameserver
from tests.receiver.sender_checks.sending import DOMAINS, ZONES
from tests.receiver.server import Server, start_server
from tests.services.resolver.relays import relay


@pytest.fixture(scope="module")
def nameserver() -> Iterator[Nameserver]:
    with Nameserver(None, {}, zones=ZONES, recursive=True) as running:
        yield running


@pytest.fixture(scope="module")
def resolver(nameserver: Nameserver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with relay(tmp_path_factory.mktemp("relay"), nameserver.resolver) as path:
        yield path


@pytest.fixture(scope="module")
def checking(resolver: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("server"), resolver=resolver, domains=DOMAINS)
    yield running
    running.stop()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """A socket that takes questions and never answers."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "silent"))
        listening.listen(128)
        yield tmp_path / "silent"
