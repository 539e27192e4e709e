"""A lab of this room's own, whose zone tests may sign, beside the one that other tests see unsigned."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from tests.conftest import usable_lab
from tests.deploys import deploy
from tests.lab import lifecycle
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.tls import edge, pebble, signing, sts_sender
from tests.lab.tls.pebble import Pebble
from tests.lab.tls.sts_sender import StsSender
from tests.tls import zone
from tests.tls.pairs import Pair, new_key, request


@pytest.fixture(scope="package")
def tls_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A deployed lab. Nothing is signed in it below `test`. It is taken down after the room's last test."""
    folder = tmp_path_factory.mktemp("tls") / ".lab"
    try:
        lab = usable_lab(request.config, folder, quiet=True)
        run = deploy(lab, "-y")
        assert run.code == 0, f"pyinfra ended with {run.code}:\n{run.stdout}{run.stderr}"
        yield lab
    finally:
        lifecycle.take_down(folder)


@pytest.fixture(scope="module")
def signed(tls_lab: Lab) -> Iterator[Lab]:
    """The lab with its zone signed, and its DS at the registry."""
    signing.sign(tls_lab.world, DOMAIN)
    try:
        signing.hand_in(tls_lab.world, DOMAIN, signing.own_ds(tls_lab.world, DOMAIN))
        yield tls_lab
    finally:
        zone.set_caa(tls_lab, HOSTNAME)
        zone.publish(tls_lab)
        signing.unsign(tls_lab.world, DOMAIN)


@pytest.fixture(scope="module")
def ca(tls_lab: Lab) -> Iterator[Pebble]:
    """The authority that the sender with MTA-STS trusts."""
    with pebble.running(tls_lab.world, bad_nonces=0) as running:
        yield running


@pytest.fixture(scope="module")
def trusted(tls_lab: Lab, ca: Pebble) -> Pair:
    """A pair for the host, whose certificate is from that authority."""
    key = new_key()
    return Pair(key, ca.issue(request(key, HOSTNAME), functools.partial(zone.text, tls_lab)))


@pytest.fixture(scope="module")
def sender_with_sts(tls_lab: Lab, ca: Pebble) -> Iterator[StsSender]:
    with sts_sender.running(tls_lab.world, ca.root(), tls_lab.world.read(edge.ROOT).decode()) as running:
        yield running
