"""The addresses of a mail host: those in the inventory, and those that iproute2 prints on the host."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from dns.errors import HostUnreadable
from dns.inventory.host_addresses import (
    Addresses,
    in_inventory,
    is_complete,
    parse_addresses,
    published,
    published_if_known,
)
from dns.inventory.mail_host import MailHost

HOST = MailHost("mx1", "mx1.example.com", None, None)


def entry(local: str, scope: str = "global", **flags: Any) -> dict[str, Any]:
    """One address as iproute2 prints it."""
    return {"family": "inet6" if ":" in local else "inet", "local": local, "scope": scope, **flags}


def shown(*entries: dict[str, Any]) -> str:
    """What `ip -json address` would print for one interface."""
    return json.dumps([{"ifname": "eth0", "addr_info": list(entries)}, {}])


def test_global_addresses_are_taken_in_order() -> None:
    output = shown(entry("9.9.9.9"), entry("2606:4700:0:0::1", dynamic=True), entry("1.1.1.1"))
    assert parse_addresses(output) == Addresses(("1.1.1.1", "9.9.9.9"), ("2606:4700::1",))


@pytest.mark.parametrize("flag", ["temporary", "deprecated", "tentative", "dadfailed"])
def test_addresses_that_do_not_last_are_passed_over(flag: str) -> None:
    assert parse_addresses(shown(entry("2606:4700::1", **{flag: True}))) == Addresses()


def test_addresses_of_the_link_are_passed_over() -> None:
    assert parse_addresses(shown(entry("fe80::1", scope="link"))) == Addresses()


@pytest.mark.skipif(not shutil.which("ip"), reason="iproute2 is not installed")
def test_what_iproute2_really_prints_is_understood() -> None:
    output = subprocess.run(
        ["ip", "-json", "address", "show"], capture_output=True, text=True, check=True
    ).stdout
    assert isinstance(parse_addresses(output), Addresses)


def test_the_inventorys_address_wins_and_the_rest_is_the_hosts() -> None:
    host = MailHost("mx1", "mx1.example.com", "1.1.1.1", None)
    own = Addresses(("10.0.0.5",), ("2606:4700::1", "fd00::1"))
    assert published(host, own) == Addresses(("1.1.1.1",), ("2606:4700::1",))


def test_private_addresses_of_the_host_count_if_they_are_allowed() -> None:
    host = MailHost("mx1", "mx1.example.com", None, None, allow_private_address=True)
    assert published(host, Addresses(("10.0.0.5",))) == Addresses(("10.0.0.5",))


def test_a_host_without_any_usable_address_is_reported() -> None:
    with pytest.raises(HostUnreadable, match=r"its own: 10\.0\.0\.5.*set public_ipv4"):
        published(HOST, Addresses(("10.0.0.5",)))


class TestOneIpVersion:
    """A host that has IPv4 only, by the inventory."""

    host = MailHost("mx1", "mx1.example.com", "1.1.1.1", None, ip_versions=frozenset({4}))
    unsaid = MailHost("mx1", "mx1.example.com", None, None, ip_versions=frozenset({4}))

    def test_it_need_not_be_asked_for_the_other(self) -> None:
        assert is_complete(self.host)
        assert not is_complete(self.unsaid)
        assert published(self.host, None) == published_if_known(self.host, None) == Addresses(("1.1.1.1",))

    def test_its_own_addresses_of_the_other_are_not_published(self) -> None:
        own = Addresses(("1.1.1.1",), ("2606:4700::1",))
        assert published(self.unsaid, own) == Addresses(("1.1.1.1",))

    def test_the_error_names_the_key_that_can_help(self) -> None:
        with pytest.raises(HostUnreadable, match=r"set public_ipv4 in the inventory$"):
            published(self.unsaid, Addresses((), ("2606:4700::1",)))

    def test_what_the_inventory_says_is_known_before_the_host_is_asked(self) -> None:
        assert (in_inventory(self.unsaid, 4), in_inventory(self.unsaid, 6)) == (None, frozenset())
        assert in_inventory(self.host, 4) == {"1.1.1.1"}
        assert in_inventory(HOST, 6) is None


@pytest.mark.parametrize(
    "output",
    [
        "",
        "null",
        "{}",
        "7",
        "[7]",
        "[[]]",
        '[{"addr_info": 7}]',
        '[{"addr_info": {"local": "1.1.1.1"}}]',
        '[{"addr_info": [7]}]',
        '[{"addr_info": [{"scope": "global"}]}]',
        '[{"addr_info": [{"scope": "global", "local": 7}]}]',
        '[{"addr_info": [{"scope": "global", "local": "x"}]}]',
    ],
)
def test_anything_but_a_list_of_interfaces_is_an_error(output: str) -> None:
    with pytest.raises(ValueError):
        parse_addresses(output)


@pytest.mark.parametrize("output", ["[]", "[{}]", '[{"addr_info": null}]', '[{"addr_info": []}]'])
def test_no_addresses_is_an_answer(output: str) -> None:
    assert parse_addresses(output) == Addresses()
