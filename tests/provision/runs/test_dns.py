"""The deploy's last step against the real nameservers of the lab: what stops it, and what it makes."""

from __future__ import annotations

import pytest

from tests.deploys import deploy
from tests.lab.lab import Lab
from tests.provision.runs.test_bad_input import one_error, untouched

__all__ = ["untouched"]

ALICE = '"mailboxes": ["alice"], "aliases": {"postmaster": ["alice"]}'


@pytest.mark.parametrize(
    ("resolver", "said"),
    [
        ("127.0.0.1#99999", "'99999' is not a port from 1 to 65535"),
        ("nobody", "'nobody' is not an IP address"),
    ],
)
def test_a_wrong_resolver_is_named_before_anything_is_touched(
    untouched: Lab, resolver: str, said: str
) -> None:
    run = deploy(untouched, "-y", environment={"LETTERBOX_RESOLVER": resolver})
    error = one_error(run)
    assert "LETTERBOX_RESOLVER: " in error
    assert said in error


def test_two_domains_of_one_zone_follow_a_host_that_moves_and_has_only_ipv4(fresh_lab: Lab, tmp_path) -> None:
    lab, inventory = fresh_lab, tmp_path / "inventory.py"
    text = lab.inventory.read_text()
    for old, new in (
        ('"domains": {', f'"domains": {{"sub.example.test": {{{ALICE}}},'),
        (f'"public_ipv6": "{lab.target.ipv6}"', '"public_ipv6": False'),
        (f'"public_ipv4": "{lab.target.ipv4}"', '"public_ipv4": "10.99.99.99"'),
    ):
        assert old in text
        text = text.replace(old, new)
    inventory.write_text(text)
    first = deploy(lab, "-y", inventory=inventory)
    assert first.code == 0, first.stdout + first.stderr
    assert lab.world.lookup("mx1.example.test", "A") == ["10.99.99.99"]
    inventory.write_text(text.replace("10.99.99.99", str(lab.target.ipv4)))
    moved = deploy(lab, "-y", inventory=inventory)
    assert moved.code == 0, moved.stdout + moved.stderr
    assert lab.world.lookup("mx1.example.test", "A") == [str(lab.target.ipv4)]
    assert lab.world.lookup("mx1.example.test", "AAAA") == []
    again = deploy(lab, "-y", "--json", inventory=inventory)
    assert (again.code, again.changed()) == (0, []), again.stderr
