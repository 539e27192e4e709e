"""`python -m dns.check DOMAIN --internet-nl` on the small Internet: what it prints, and when it connects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dns import check
from dns.check import internet_nl
from dns.check.internet_nl.points import POINTS, Outcome
from dns.inventory import load
from dns.world.seen import Seen
from tests.dns.loopback.world import World


@pytest.fixture
def hellos(world: World) -> Iterator[list[str]]:
    """The address at which each TLS handshake is begun."""
    found: list[str] = []
    for host in world.mail[:2]:
        host.context.sni_callback = lambda *_, address=host.address: found.append(address)
    yield found
    for host in world.mail[:2]:
        host.context.sni_callback = None


def looked(world: World, inventory: Path) -> Seen:
    read = load(inventory)
    return check.examine(read, read.domain("example.test"), {}, vantage=world.vantage)[0]


def test_a_plain_check_begins_one_handshake_at_each_address(
    world: World, inventory: Path, hellos: list[str]
) -> None:
    looked(world, inventory)
    assert sorted(hellos) == sorted(host.address for host in world.mail[:2])


def test_every_point_has_an_outcome_and_each_address_is_asked(
    world: World, inventory: Path, hellos: list[str]
) -> None:
    seen = looked(world, inventory)
    before = len(hellos)
    found = internet_nl.examine(seen, world.vantage)
    assert [each.code for each in found] == list(POINTS)
    # Half of the hellos end before a certificate is chosen.
    assert len(hellos) - before > 20
    outcome = {each.code: each.outcome for each in found}
    assert outcome["starttls_tls_version"] is outcome["starttls_tls_available"] is Outcome.HOLDS
    assert outcome["dnssec_mailto_exist"] is outcome["starttls_dane_exist"] is Outcome.FAILS
    assert outcome["ipv6_mx_reach"] is Outcome.HOLDS
    assert outcome["ipv6_ns_address"] is Outcome.PHASE_OUT  # one name server of two has one


@pytest.fixture
def run(world: World, inventory: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """`python -m dns.check example.test` with more arguments: exit code, and what it printed.

    Only the resolver is at a port that it can be told of. So most of the rest cannot be known.
    """

    def check_with(*arguments: str) -> tuple[int, str]:
        given = ["example.test", "--inventory", str(inventory), "--resolver", world.resolver.resolver]
        code = check.main([*given, *arguments])
        return code, capsys.readouterr().out

    return check_with


@pytest.mark.usefixtures("silence")
def test_the_option_adds_a_list_and_leaves_the_exit_code(run: Any) -> None:
    plain, more = run("--json"), run("--json", "--internet-nl")
    assert plain[0] == more[0] == 1
    found = json.loads(more[1])
    points = found.pop("internet_nl")["points"]
    assert found.keys() == json.loads(plain[1]).keys()
    assert [each["code"] for each in points] == list(POINTS)
    # A host that does not answer from here is unknown, and not wrong.
    about_tls = {each["outcome"] for each in points if each["code"].startswith("starttls_tls_")}
    assert about_tls == {"not known from here"}
