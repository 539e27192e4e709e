"""A mail host of the inventory: what is accepted, and what is reported."""

from __future__ import annotations

from typing import Any

import pytest

from dns.inventory import InventoryError, from_hosts
from tests.dns.inventory.good import GOOD_DOMAIN, GOOD_HOST, named, problems


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (
            {"public_ipv4": "10.0.0.1"},
            "public_ipv4 10.0.0.1 is a private address, which the world cannot reach",
        ),
        ({"public_ipv4": "203.0.113.25"}, "is an example address from documentation"),
        ({"public_ipv6": "fe80::1"}, "is a link-local address"),
        ({"public_ipv4": "2606:4700::1"}, "is not an IPv4 address"),
        ({"public_ipv4": "1.2.3"}, "is not an IPv4 address"),
        ({"public_ipv4": 16843009}, "is not an IPv4 address"),
        ({"public_ipv6": True}, "or set it to False if the host has none"),
        ({"public_ipv6": 0}, "is not an IPv6 address"),
        ({"public_ipv6": ""}, "is not an IPv6 address"),
        ({"public_ipv4": False, "public_ipv6": False}, "are both False: a mail host needs one of them"),
        ({"ssh_port": 99999}, "ssh_port must be a whole number from 1 to 65535, not 99999"),
        ({"ssh_port": 0}, "ssh_port must be a whole number"),
        ({"ssh_port": "x"}, "ssh_port must be a whole number"),
        ({"hostname": ".".join(["b" * 60] * 4) + ".test"}, "more than 253: it may have at most 244"),
        ({7: 8}, "unknown key 7"),
        ({"mx_preference": 65536}, "mx_preference must be a whole number from 0 to 65535, not 65536"),
        ({"mx_preference": True}, "mx_preference must be a whole number"),
        ({"workers": 0}, "workers must be a whole number from 1 to 64, not 0"),
        ({"workers": 65}, "workers must be a whole number from 1 to 64, not 65"),
        ({"workers": "2"}, "workers must be a whole number from 1 to 64, not '2'"),
        ({"workers": True}, "workers must be a whole number"),
        ({"log_headers": "yes"}, "log_headers must be True or False, not 'yes'"),
        ({"checks": "no"}, "checks must be True or False, not 'no'"),
        ({"hostname": "mx1"}, "hostname 'mx1' has only one label"),
        ({"hostname": "mx_1.example.com"}, "hostname 'mx_1.example.com' is not a domain name"),
        ({"hostname": "1.1.1.1"}, "ends in a number"),
        ({"mx_prefernce": 5}, "unknown key mx_prefernce (did you mean mx_preference?)"),
        ({"firewalld_zones": "public"}, "firewalld_zones must be a list"),
        ({"allow_private_address": "yes"}, "allow_private_address must be True or False"),
    ],
)
def test_a_wrong_host_is_reported_in_one_line(host: dict[str, Any], said: str) -> None:
    (line,) = problems(host=host)
    assert line.startswith("inventory: host mx1.example.com: ")
    assert said in line


@pytest.mark.parametrize(("characters", "passes"), [(244, True), (245, False)])
def test_a_mail_hosts_name_leaves_room_for_its_tlsa(characters: int, passes: bool) -> None:
    assert (problems(host={"hostname": named(characters)}) == []) is passes


@pytest.mark.parametrize(
    ("said", "versions"), [({"public_ipv6": False}, {4}), ({"public_ipv4": False}, {6}), ({}, {4, 6})]
)
def test_a_host_may_have_one_ip_version_alone(said: dict[str, Any], versions: set[int]) -> None:
    data = {**GOOD_HOST, **said, "domains": {"example.com": GOOD_DOMAIN}}
    (host,) = from_hosts([("mx1.example.com", data)]).hosts
    assert host.ip_versions == versions
    assert (host.ipv4 is None, host.ipv6 is None) == (4 not in versions, 6 not in versions)


def test_an_address_beside_one_that_is_not_there_may_be_left_out() -> None:
    data = {"public_ipv6": False, "domains": {"example.com": GOOD_DOMAIN}}
    (host,) = from_hosts([("mx1.example.com", data)]).hosts
    assert (host.ipv4, host.ipv6, host.ip_versions) == (None, None, {4})


def test_a_private_address_passes_if_it_is_allowed() -> None:
    assert problems(host={"public_ipv4": "10.0.0.1", "allow_private_address": True}) == []


def test_pyinfras_own_keys_pass() -> None:
    assert problems(host={"ssh_port": 2222, "_sudo": True, "docker_identifier": "x"}) == []


def test_two_hosts_may_not_have_one_hostname_nor_different_domains() -> None:
    data = {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}}
    other = {"hostname": "mx1.example.com", "domains": {"example.org": GOOD_DOMAIN}}
    with pytest.raises(InventoryError) as said:
        from_hosts([("mx1.example.com", data), ("mx2.example.com", other)])
    first, second = str(said.value).splitlines()
    assert "hostname mx1.example.com is that of host mx1.example.com too" in first
    assert "its domains differ" in second


def test_senders_are_checked_unless_the_host_says_no() -> None:
    for given, expected in (({}, True), ({"checks": False}, False)):
        (host,) = from_hosts([("mx1.example.com", {"domains": {"example.com": GOOD_DOMAIN}, **given})]).hosts
        assert host.checks is expected


def test_a_host_that_checks_nobody_cannot_reject_forged_mail() -> None:
    (line,) = problems({"checks": False}, {"reject_forged": True})
    assert line == (
        "inventory: host mx1.example.com: checks is False, but reject_forged of domain example.com needs "
        "them: take one out"
    )
