"""Policies of MTA-STS as a test wants them: served by the Worker, and told of by the TXT record, or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dns.cloudflare.zones import Zones
from dns.mta_sts.policy import LABEL, Policy, record
from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.tls import zone

AGE = 86400  # seconds


def policy(mode: str, *mx: str) -> Policy:
    """A policy of this mode for the lab's host, or for the hosts that are named."""
    return Policy(mode, mx or (HOSTNAME,), AGE)


def publish(lab: Lab, wanted: Policy) -> None:
    """Serve the policy, and then tell of it."""
    serve(lab, wanted)
    tell(lab, wanted)


def serve(lab: Lab, wanted: Policy) -> None:
    """Let the Worker serve the policy. The TXT record stays as it is."""
    zones = Zones(lab.environment)
    zones.workers.publish(zones.holding(DOMAIN), DOMAIN, wanted.text)


def tell(lab: Lab, wanted: Policy) -> None:
    """Publish the policy's id in the TXT record."""
    zone.set_text(lab, f"{LABEL}.{DOMAIN}", record(wanted.id))


def take_away(lab: Lab) -> None:
    """Take record and Worker away in one go, as nobody should while a sender may keep the policy."""
    zone.set_text(lab, f"{LABEL}.{DOMAIN}")
    zones = Zones(lab.environment)
    zones.workers.remove(zones.holding(DOMAIN), DOMAIN)


@contextmanager
def taken_away(lab: Lab) -> Iterator[None]:
    """Leave no policy at the end."""
    try:
        yield
    finally:
        take_away(lab)
