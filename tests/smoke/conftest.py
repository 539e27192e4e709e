"""What the outside must see of a deployed host: the lab's, or with `--inventory` a real one."""

from __future__ import annotations

import os
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from dns.inventory import Domain
from dns.vantage import REFERENCES

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
def domain(inventory, domain_name) -> Domain:
    return inventory.domain(domain_name)


@pytest.fixture(scope="session")
def addresses(outside, mail_host) -> list[str]:
    """Every address that the DNS gives for the host and this machine has a route to."""
    found = [*outside.answers(mail_host.hostname, "A"), *outside.answers(mail_host.hostname, "AAAA")]
    assert found, f"the DNS gives no address for {mail_host.hostname}"
    return [address for address in found if has_route(address)]


def has_route(address: str) -> bool:
    """Whether this machine could send there at all: a machine without IPv6 can judge no IPv6 address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 25))
        except OSError:
            return False
    return True


@pytest.fixture
def session(addresses, outside) -> Iterator[smtplib.SMTP]:
    """An SMTP session with the host, after EHLO."""
    assert addresses, "the DNS gives no address that this machine has a route to"
    with connected(addresses[0], outside) as smtp:
        yield smtp


class Session(smtplib.SMTP):
    """A session that keeps its greeting."""

    def connect(self, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        self.greeting = super().connect(*arguments, **named)
        return self.greeting


@contextmanager
def connected(address: str, outside: Outside) -> Iterator[Session]:
    """A session with this address, after EHLO."""
    try:
        smtp = Session(address, 25, "smoke.invalid", timeout=SECONDS)
    except TimeoutError:
        if not _leaves(outside, "AAAA" if ":" in address else "A"):
            pytest.fail(
                "this machine reaches nobody's port 25: its own network bars it, as that of most hosted CI "
                "runners does. Run the smoke tests from a machine that may connect to port 25",
                pytrace=False,
            )
        pytest.fail(f"{address} port 25 does not answer: python -m first_mail.doctor says why", pytrace=False)
    with smtp:
        smtp.ehlo()
        yield smtp


def _leaves(outside: Outside, kind: str) -> bool:
    """Whether any of some well-known mail hosts can be reached from here."""
    for name in REFERENCES:
        for address in outside.answers(name, kind)[:1]:
            try:
                socket.create_connection((address, 25), 10).close()
            except OSError:
                continue
            return True
    return False
