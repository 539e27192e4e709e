"""What the outside must see of a deployed host: the lab's host, or with `--inventory` a real one."""

from __future__ import annotations

import os
import shlex
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from dns.inventory import Domain, InventoryError, MailHost, load
from dns.inventory.over_ssh import ssh_arguments
from dns.records import address_type
from dns.world.greeting import Greeting
from dns.world.resolvers import PUBLIC_RESOLVERS
from dns.world.vantage import REFERENCES
from tests.smoke.vantage import (
    GREETING_SECONDS,
    SECONDS,
    Session,
    Through,
    Unreached,
    Vantage,
    greeting,
    lookup,
    reaches_others,
    vantage_for,
)


@dataclass(frozen=True)
class Outside:
    """What somebody elsewhere can ask of the DNS, and of port 25."""

    vantage: Vantage
    resolver: Resolver
    lost: dict[str, str] = field(default_factory=dict)
    """Why an address does not greet, or the host has none. The first test to need it fails with this."""
    said: set[str] = field(default_factory=set)

    def answers(self, name: str, kind: str) -> list[str]:
        if isinstance(self.vantage, Through):
            address = str(self.resolver.nameservers[0])
            return lookup(self.vantage, f"{address}#{self.resolver.port}", name, kind)
        try:
            return sorted(str(record) for record in self.resolver.resolve(name, kind))
        except (NoAnswer, NXDOMAIN):
            return []


@pytest.fixture(scope="session")
def vantage_names(request: pytest.FixtureRequest, inventory) -> list[str]:
    """The machines named with `--from`."""
    return named(request.config.getoption("--from"), [host.name for host in inventory.hosts])


def named(names: list[str], hosts: list[str]) -> list[str]:
    """The machines to look from. The word `inventory` stands for all hosts of the inventory."""
    return [each for name in names for each in (hosts if name == "inventory" else [name])]


@pytest.fixture(scope="session")
def outside(deployed, vantage_names, mail_host, inventory) -> Outside:
    vantage = vantage_for(mail_host, vantage_names, inventory)
    said = os.environ.get("LETTERBOX_RESOLVER") or (
        deployed.environment["LETTERBOX_RESOLVER"] if deployed else ""
    )
    if not said and isinstance(vantage, Through):
        said = PUBLIC_RESOLVERS[0]  # This machine's resolver may be one that only this network reaches.
    resolver = Resolver(configure=not said)
    if said:
        address, _, port = said.partition("#")
        resolver.nameservers, resolver.port = [address], int(port or 53)
    resolver.lifetime = SECONDS
    return Outside(vantage, resolver)


@pytest.fixture(scope="session")
def domain(inventory, domain_name) -> Domain:
    return inventory.domain(domain_name)


@pytest.fixture(scope="session")
def greetings(outside, mail_host) -> dict[str, Greeting]:
    """How each address that the DNS gives for the host greets, if the vantage point has a route to it.

    All at once and only once, so that a silent service costs its wait once.
    """
    published = [*outside.answers(mail_host.hostname, "A"), *outside.answers(mail_host.hostname, "AAAA")]
    with ThreadPoolExecutor(max(1, len(published))) as pool:
        found = list(pool.map(lambda address: greeting(outside.vantage, address), published))
    seen = {address: one for address, one in zip(published, found, strict=True) if one.failure != "no route"}
    if not published:
        outside.lost[mail_host.hostname] = f"the DNS gives no address for {mail_host.hostname}"
    elif not seen:
        where = ", ".join(published)
        outside.lost[mail_host.hostname] = f"{outside.vantage.name} has no route to {where}"
    for address, one in seen.items():
        if one.failure:
            outside.lost[address] = reason(outside, address, one)
    return seen


def reason(outside: Outside, address: str, found: Greeting) -> str:
    """Why an address is not greeted, in one line."""
    where, look = outside.vantage.name, "find the reason with python -m first_mail.doctor"
    if found.failure == "silent":
        return (
            f"{address} port 25 accepts connections, and does not greet within {GREETING_SECONDS} s: {look}"
        )
    if found.failure in ("timeout", "unreachable"):
        kind = address_type(address)
        others = []
        for name in REFERENCES:
            with suppress(DNSException, Unreached, AssertionError):
                others += [(name, each) for each in outside.answers(name, kind)[:1]]
        if not reaches_others(outside.vantage, others):
            return (
                f"{where} reaches nobody's port 25, because its own network blocks it, as that of most "
                "hosted CI runners does: name a machine that may connect to port 25, with --from HOST"
            )
    return f"{address} port 25 does not answer {where} ({found.failure}: {found.text}): {look}"


@pytest.fixture
def port_25(outside, greetings) -> list[str]:
    """The addresses of the host. All of them greet, or the first test fails with the reason."""
    for place, why in outside.lost.items():
        if place in outside.said:
            pytest.skip(f"not tried: {place} does not greet, as the first failure says")
        outside.said.update(outside.lost)
        pytest.fail(why, pytrace=False)
    return list(greetings)


@pytest.fixture
def session(port_25, outside) -> Iterator[Session]:
    """An SMTP session with the host, after EHLO."""
    with connected(port_25[0], outside) as smtp:
        yield smtp


@contextmanager
def connected(address: str, outside: Outside) -> Iterator[Session]:
    """A session with this address, after EHLO."""
    with outside.vantage.connection(address, 25, SECONDS) as made, Session(made, SECONDS) as smtp:
        smtp.ehlo()
        yield smtp


AS_ROOT = """\
program=$1; shift; become=; [ $(id -u) -eq 0 ] || become='sudo -n'; exec $become sh -c "$program" "$@"
"""
PROBE = Path(__file__).with_name("letterbox-smoke.sh")


def ask(host: MailHost, *words: str) -> subprocess.CompletedProcess[str]:
    """Run letterbox-smoke.sh on the host with these words.

    A key with a forced command runs that in place of what is asked for. It is the same program, and reads the
    words at the end.
    """
    command = ["sh", "-c", AS_ROOT, "sh", PROBE.read_text(), "letterbox-smoke", *words]
    return subprocess.run(
        [*ssh_arguments(host.name, host.ssh), shlex.join(command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        check=False,
    )


@pytest.fixture
def take_probe(mail_host) -> Callable[[str, str, str], list[tuple[str, bytes]]]:
    """Ask the host for the probes with a mark, each with its path. It removes them as it shows them."""

    def take(domain: str, mailbox: str, mark: str) -> list[tuple[str, bytes]]:
        done = ask(mail_host, "probe", domain, mailbox, mark)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        return [(path, b64decode(text)) for path, text in zip(lines[::2], lines[1::2], strict=True)]

    return take


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What cannot be seen from where the tests look."""
    names, given = config.getoption("--from"), config.getoption("--inventory")
    if not names or not given:
        return []
    try:
        hosts = [host.name for host in load(given).hosts]
    except InventoryError:
        return []  # The tests themselves say what is wrong with it.
    names = named(names, hosts)
    alone = [name for name in hosts if all(each == name for each in names)]
    return [
        f"{name} looks at itself: neither its firewall nor its provider's filter is seen. "
        "Name another machine with --from to see them."
        for name in alone
    ]
