"""Cloudflare's edge in the world, which serves the policies: how it fails, and who trusts its certificates.

It runs with the stand-in, at the lab's address EDGE, port 443. A program of the control machine trusts it
through SSL_CERT_FILE of `Lab.environment`, one of the world through the file ROOT there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import access
from tests.lab.cloudflare.edge import FaultKind
from tests.lab.lab import Lab
from tests.lab.world import EDGE_FAULTS, World

ROOT = "/etc/lab-edge/root.pem"
"""The root of its certificates, in the world machine."""


@contextmanager
def failing(world: World, kind: FaultKind, seconds: float = 0.0) -> Iterator[None]:
    """Let the edge fail so for every name (see `EdgeFault`). At the end it does not."""
    world.write(EDGE_FAULTS, json.dumps({"kind": kind, "seconds": seconds}))
    try:
        yield
    finally:
        world.run(["rm", "-f", EDGE_FAULTS])


@contextmanager
def trusting(lab: Lab, *roots: str) -> Iterator[None]:
    """Let the control machine trust these roots too, in PEM, such as that of Pebble."""
    access.trust(lab, *roots)
    try:
        yield
    finally:
        access.trust(lab)
