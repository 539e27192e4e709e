"""What the outside must see of a deployed host: the lab's host, or with `--inventory` a real one."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from dns.inventory import Domain
from dns.records import address_type
from dns.world.greeting import Greeting, from_reply, greet
from dns.world.nameservers import has_route
from dns.world.vantage import REFERENCES

SECONDS = 30
"""How long a reply may take. A busy host is slow; a broken one is silent for ever."""


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


@pytest.fixture
def session(addresses, outside) -> Iterator[smtplib.SMTP]:
    """An SMTP session with the host, after EHLO."""
    assert addresses, "the DNS gives no address that this machine has a route to"
    with connected(addresses[0], outside) as smtp:
        yield smtp


class Session(smtplib.SMTP):
    """A session that keeps its greeting."""

    greeting: Greeting

    def connect(self, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        reply = super().connect(*arguments, **named)
        self.greeting = from_reply(*reply)
        return reply


@contextmanager
def connected(address: str, outside: Outside) -> Iterator[Session]:
    """A session with this address, after EHLO."""
    try:
        smtp = Session(address, 25, "smoke.invalid", timeout=SECONDS)
    except TimeoutError:
        if not _reaches_others(outside, address_type(address)):
            pytest.fail(
                "this machine reaches nobody's port 25, because its own network blocks it, as that of most "
                "hosted CI runners does. Run the smoke tests from a machine that may connect to port 25",
                pytrace=False,
            )
        pytest.fail(
            f"{address} port 25 does not answer: find the reason with python -m first_mail.doctor",
            pytrace=False,
        )
    with smtp:
        smtp.ehlo()
        yield smtp


def _reaches_others(outside: Outside, kind: str) -> bool:
    """Whether a well-known mail host can be reached from here, and greets by its own name."""
    return any(
        greet(address).is_by_organisation_of(name)
        for name in REFERENCES
        for address in outside.answers(name, kind)[:1]
    )
