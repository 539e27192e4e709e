"""Port 25 of our mail host, as it answers on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dns.check.found import found, only
from tests.dns.loopback.world import MAIL4, World


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        ("220 other.test ESMTP", "greeting-name"),
        ("554 go away", "greeting"),
        ("", "port-25"),
    ],
)
def test_what_greets_wrongly_is_found(world: World, inventory: Path, greeting: str, code: str) -> None:
    world.mail[0].greeting = greeting
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("required", code)
    assert MAIL4 in finding.problem


def test_a_host_that_listens_over_one_ip_version_only_is_found(world: World, inventory: Path) -> None:
    world.mail[1].close()
    finding = only(world, inventory)
    assert (finding.code, finding.group) == ("port-25", "required")
    assert "(::1) port 25: nothing listens there" in finding.problem


def test_no_starttls_is_advised_and_one_that_fails_is_required(world: World, inventory: Path) -> None:
    world.mail[0].offers = False
    world.mail[1].works = False
    groups = {finding.group: finding for finding in found(world, inventory)}
    assert {finding.code for finding in groups.values()} == {"starttls"}
    assert MAIL4 in groups["advised"].problem
    assert "454 not now" in groups["required"].problem
