"""The reverse name of an address counts only if it leads back to the address."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from receiver.checks import reverse
from receiver.checks.results import Reverse
from tests.receiver.checks.zone import Entry, Zone

ADDRESS, OTHER, SIX = "192.0.2.1", "192.0.2.2", "2001:db8::1"
BACK = ipaddress.ip_address(ADDRESS).reverse_pointer
BACK_SIX = ipaddress.ip_address(SIX).reverse_pointer

TABLE: dict[str, list[Entry]] = {
    "mx.example.test": [f"A {ADDRESS}", f"AAAA {SIX}"],
    "other.example.test": [f"A {OTHER}"],
    "six.example.test": [f"AAAA {SIX}"],
    "alias.example.test": ["CNAME mx.example.test"],
    "dead.example.test": ["TIMEOUT"],
}


def check(*entries: Entry, ip: str = ADDRESS, back: str = BACK) -> Reverse:
    zone = Zone({**TABLE, back: entries})
    return asyncio.run(reverse.check(zone, ipaddress.ip_address(ip)))


@pytest.mark.parametrize(
    ("entries", "result"),
    [
        (["PTR mx.example.test"], Reverse("pass", "mx.example.test")),
        (["PTR alias.example.test"], Reverse("pass", "alias.example.test")),
        (["PTR other.example.test", "PTR mx.example.test"], Reverse("pass", "mx.example.test")),
        (["PTR dead.example.test", "PTR mx.example.test"], Reverse("pass", "mx.example.test")),
        (["PTR other.example.test"], Reverse("fail", "other.example.test")),
        (["PTR six.example.test"], Reverse("fail", "six.example.test")),
        (["PTR nowhere.test"], Reverse("fail", "nowhere.test")),
        (["PTR other.example.test", "PTR dead.example.test"], Reverse("temperror", "other.example.test")),
        (["TIMEOUT"], Reverse("temperror")),
        (["TXT there is no PTR"], Reverse("permerror")),
        ([], Reverse("permerror")),
    ],
)
def test_a_name_counts_if_it_leads_back(entries: list[Entry], result: Reverse) -> None:
    assert check(*entries) == result


def test_an_ipv6_address_must_be_among_the_ipv6_addresses() -> None:
    assert check("PTR mx.example.test", ip=SIX, back=BACK_SIX) == Reverse("pass", "mx.example.test")
    assert check("PTR other.example.test", ip=SIX, back=BACK_SIX).result == "fail"


def test_an_ipv4_address_in_an_ipv6_one_is_the_ipv4_address() -> None:
    assert check("PTR mx.example.test", ip=f"::ffff:{ADDRESS}").result == "pass"


def test_the_scope_of_an_interface_is_not_part_of_the_address() -> None:
    assert check("PTR mx.example.test", ip=f"{SIX}%eth0", back=BACK_SIX).result == "pass"


def test_at_most_ten_names_are_asked_for() -> None:
    zone = Zone({BACK: [f"PTR n{number}.test" for number in range(50)]})
    assert asyncio.run(reverse.check(zone, ipaddress.ip_address(ADDRESS))) == Reverse("fail", "n0.test")
    assert len(zone.asked) == 11


@pytest.mark.parametrize(
    "name", ["a b.test", "a(b).test", "a\r\nb.test", "é.test", 'a".test', "", "a..test", "192.0.2.1", "1"]
)
def test_what_is_no_hostname_is_neither_asked_for_nor_reported(name: str) -> None:
    zone = Zone({BACK: [("PTR", name)]})
    assert asyncio.run(reverse.check(zone, ipaddress.ip_address(ADDRESS))) == Reverse("fail")
    assert len(zone.asked) == 1
