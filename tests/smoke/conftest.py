"""What the outside must see of a deployed host: the lab's, or with `--inventory` a real one."""

import os
import smtplib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from dns.inventory import Domain

SECONDS = 30
"""How long a reply may take: a busy host is slow, a broken one is silent for ever."""


@dataclass(frozen=True)
class Outside:
    """What somebody elsewhere can ask of the DNS."""

    resolver: Resolver

    def answers(self, name: str, kind: str) -> list[str]:
        try:
            return sorted(str(record) for record in self.resolver.resolve(name, kind))
        except (NoAnswer, NXDOMAIN):
            return []


@pytest.fixture(scope="session")
def outside(deployed) -> Outside:
    said = os.environ.get("LETTERBOX_RESOLVER") or (
        deployed.environment["LETTERBOX_RESOLVER"] if deployed else ""
    )
    resolver = Resolver(configure=not said)
    if said:
        address, _, port = said.partition("#")
        resolver.nameservers, resolver.port = [address], int(port or 53)
    resolver.lifetime = SECONDS
    return Outside(resolver)


@pytest.fixture(scope="session")
def domain(inventory) -> Domain:
    return inventory.domains[0]


@pytest.fixture(scope="session")
def addresses(outside, mail_host) -> list[str]:
    """Every address that the DNS gives for the host and this machine has a route to."""
    found = [*outside.answers(mail_host.hostname, "A"), *outside.answers(mail_host.hostname, "AAAA")]
    return [address for address in found if _has_route(address)]


def _has_route(address: str) -> bool:
    """Whether this machine could send there at all: a machine without IPv6 can judge no IPv6 address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 25))
        except OSError:
            return False
    return True


@pytest.fixture
def session(addresses) -> Iterator[smtplib.SMTP]:
    """An SMTP session with the host, after EHLO."""
    assert addresses, "the DNS gives no address that this machine has a route to"
    with smtplib.SMTP(addresses[0], 25, local_hostname="smoke.invalid", timeout=SECONDS) as smtp:
        smtp.ehlo()
        yield smtp
