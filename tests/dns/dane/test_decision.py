"""What is published of the hosts' keys, and when what stands is left alone. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.cloudflare.signing import Dnssec
from dns.dane.decision import Dane, decide
from dns.inventory import Inventory
from dns.inventory.host_keys import HostKeys
from dns.world.signed import Signed
from tests.dns.dane.keys import BOTH, FIRST, NAME, SECOND, THIRD, inventory

ON = Dnssec("active", "2371 13 2 AB")
SECURE = Signed("example.test", True)


def decided(
    some: Inventory | None = None,
    keys: HostKeys = BOTH,
    signed: Signed | None = SECURE,
    dnssec: Dnssec | None = ON,
    elsewhere: dict[str, str] | None = None,
) -> Dane:
    some = some or inventory()
    served = some.domain("example.test")
    held = {host.name: keys for host in some.hosts}
    return decide(some, served, "example.test", held, signed, dnssec, elsewhere or {})


def test_current_and_next_are_published_once_the_zone_is_signed_and_the_key_is_served() -> None:
    assert decided() == Dane({"mx1.example.test": (FIRST, SECOND)})


def test_a_host_without_a_next_key_publishes_its_current_one() -> None:
    assert decided(keys=replace(BOTH, next="")).keys == {"mx1.example.test": (FIRST,)}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (HostKeys(unread="its keys could not be read over ssh (refused)"), "could not be read over ssh"),
        (replace(BOTH, served=frozenset()), "nothing serves a key on its port 25"),
        (replace(BOTH, served=frozenset({THIRD})), "serves another key than the current one"),
        (replace(BOTH, served=frozenset({FIRST, THIRD})), "serves another key than the current one"),
        (replace(BOTH, current=""), "has no key with a request yet"),
    ],
)
def test_a_host_that_is_not_known_to_serve_its_key_is_left_alone(keys: HostKeys, said: str) -> None:
    found = decided(keys=keys)
    assert (found.keys, found.untouched) == ({}, {NAME})
    (note,) = found.notes
    assert note.startswith("mx1.example.test: its TLSA records stay as they are, because ")
    assert said in note


def test_a_host_that_serves_another_key_at_one_address_is_left_alone() -> None:
    found = decided(elsewhere={"mx1.example.test": "198.18.0.25 serves another key"})
    assert (found.keys, found.untouched) == ({}, {NAME})


@pytest.mark.parametrize("secure", [False, None])
def test_in_a_zone_that_is_not_known_to_be_signed_everything_is_left_alone(secure: bool | None) -> None:
    found = decided(signed=Signed("example.test", secure, "has no DS at test"))
    assert (found.keys, found.untouched) == ({}, {NAME})
    assert found.notes == (
        "mx1.example.test: no key is published for DANE, and what stands there stays, because example.test "
        "has no DS at test",
    )
    assert found.registrar.endswith("example.test. DS 2371 13 2 AB")


@pytest.mark.parametrize(
    ("status", "signing", "said"),
    [
        ("disabled", True, False),
        ("pending-disabled", True, False),
        ("pending", False, True),
        ("active", False, True),
        ("error", False, True),
    ],
)
def test_dnssec_is_switched_on_where_it_is_off_and_the_ds_is_said_once_it_is_on(
    status: str, signing: bool, said: bool
) -> None:
    found = decided(
        signed=Signed("example.test", False, "has no DS at test"), dnssec=Dnssec(status, "1 13 2 AB")
    )
    assert (found.signing, bool(found.registrar)) == (signing, said)


def test_the_ds_is_not_said_once_the_parent_has_it() -> None:
    assert decided(dnssec=Dnssec("pending", "1 13 2 AB")).registrar == ""


def test_without_dane_nothing_is_published_and_nothing_is_left_alone() -> None:
    assert decided(inventory(example_test=False), signed=None, dnssec=None) == Dane({})


def test_a_domain_without_dane_publishes_for_another_of_the_zone_and_switches_nothing_on() -> None:
    some = inventory(example_test=False, sub_example_test=True)
    found = decided(some, dnssec=Dnssec("disabled"))
    assert found.keys == {"mx1.example.test": (FIRST, SECOND)}
    assert not found.signing


def test_a_host_outside_the_zone_is_said_with_what_to_do() -> None:
    some = inventory(["mx1.other.test", "mx.nobody.test"], example_test=True, other_test=False)
    found = decided(some)
    assert (found.keys, found.untouched) == ({}, frozenset())
    first, second = found.notes
    assert 'add "dane": True to other.test too' in first
    assert "is outside the zone example.test, so its key is not published" in second
    assert decided(inventory(["mx1.other.test"], example_test=True, other_test=True)).notes == ()
