"""The DNS as the world resolves it."""

from __future__ import annotations


def test_the_mx_names_the_host_with_its_preference(outside, mail_host, domain) -> None:
    assert f"{mail_host.mx_preference} {mail_host.hostname}." in outside.answers(domain.name, "MX")


def test_the_mx_names_nobody_else(outside, inventory, domain) -> None:
    ours = {f"{host.mx_preference} {host.hostname}." for host in inventory.hosts}
    assert set(outside.answers(domain.name, "MX")) == ours


def test_the_mx_has_an_address(outside, mail_host) -> None:
    assert outside.answers(mail_host.hostname, "A") + outside.answers(mail_host.hostname, "AAAA")


def test_the_addresses_are_those_of_the_inventory(outside, mail_host) -> None:
    for version, kind, wanted in ((4, "A", mail_host.ipv4), (6, "AAAA", mail_host.ipv6)):
        if version not in mail_host.ip_versions:
            assert outside.answers(mail_host.hostname, kind) == []
        elif wanted:
            assert outside.answers(mail_host.hostname, kind) == [wanted]


def test_the_mx_is_not_an_alias(outside, mail_host) -> None:
    assert outside.answers(mail_host.hostname, "CNAME") == []
