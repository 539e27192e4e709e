"""A nameserver on loopback, and the relay in front of it, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dns.loopback.nameserver import Nameserver
from tests.services.resolver.answers import ORIGIN, ZONE
from tests.services.resolver.relays import relay

MORE = """\
one CNAME two
two CNAME one
short 7 CNAME s._domainkey
"""
ROOT = """\
$TTL 60
. SOA a.root hostmaster 1 3600 600 86400 30
. NS a.root
"""


@pytest.fixture(scope="module")
def _nameserver() -> Iterator[Nameserver]:
    with Nameserver(None, {}, zones={ORIGIN: ZONE + MORE, ".": ROOT}, recursive=True) as running:
        yield running


@pytest.fixture
def nameserver(_nameserver: Nameserver) -> Nameserver:
    _nameserver.reset()
    return _nameserver


@pytest.fixture(scope="module")
def _path(_nameserver: Nameserver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with relay(tmp_path_factory.mktemp("relay"), _nameserver.resolver) as path:
        yield path


@pytest.fixture
def path(_path: Path, nameserver: Nameserver) -> Path:
    """The socket of the relay in front of `nameserver`."""
    return _path
