"""Choosing the lab's name and subnets."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from tests.lab.network import TARGET, WORLD, candidate, free_network


def test_a_folder_always_gets_the_same_network() -> None:
    assert candidate(Path("/somewhere/.lab")) == candidate(Path("/somewhere/.lab"))


def test_two_folders_get_different_networks() -> None:
    one, other = candidate(Path("/one/.lab")), candidate(Path("/other/.lab"))
    assert one.name != other.name
    assert not one.ipv4.overlaps(other.ipv4)
    assert not one.ipv6.overlaps(other.ipv6)


def test_a_subnet_that_is_routed_already_is_passed_over() -> None:
    folder = Path("/somewhere/.lab")
    first = candidate(folder)
    chosen = free_network(
        folder, [IPv4Network("0.0.0.0/0"), IPv4Network((first.ipv4.network_address, 16), strict=False)]
    )
    assert chosen.name == first.name
    assert not chosen.ipv4.overlaps(first.ipv4)


def test_names_fit_an_interface() -> None:
    assert len(candidate(Path("/somewhere/.lab")).name + "-t") <= 15


def test_a_machine_is_found_at_the_same_number_in_both_families() -> None:
    network = candidate(Path("/somewhere/.lab"))
    for number in (WORLD, TARGET):
        assert network.address4(number).endswith(f".{number}")
        assert network.address6(number).endswith(f"::{number}")
