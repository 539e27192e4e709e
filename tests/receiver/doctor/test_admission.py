"""What in firewalld's settings admits 25/tcp, and what takes it away: settings in, a judgement out."""

from __future__ import annotations

import pytest

from receiver.doctor.admission import Settings, admits, applies_first, bound_elsewhere, covers, refusals

PEER = "198.51.100.7"


@pytest.mark.parametrize(
    ("settings", "open_"),
    [
        (Settings(), False),
        (Settings(ports=(("25", "tcp"),)), True),
        (Settings(ports=(("25", "udp"),)), False),
        (Settings(ports=(("20-30", "tcp"),)), True),
        (Settings(ports=(("26-30", "tcp"),)), False),
        (Settings(ports=(("2525", "tcp"),)), False),
        (Settings(target="ACCEPT"), True),
        (Settings(rich_rules=('rule service name="smtp" accept',)), True),
        (Settings(rich_rules=('rule family="ipv4" source address="192.0.2.0/24" accept',)), False),
        (Settings(rich_rules=('rule service name="http" accept',)), False),
    ],
)
def test_a_zone_admits_mail_only_if_25_tcp_is_open_for_everybody(settings: Settings, open_: bool) -> None:
    assert admits(settings) == open_


@pytest.mark.parametrize(
    "rule",
    [
        'rule family="ipv4" port port="25" protocol="tcp" reject',
        'rule port port="1-1023" protocol="tcp" drop',
        'rule service name="smtp" reject type="tcp-reset"',
        'rule family="ipv4" source address="0.0.0.0/0" drop',
        'rule family="ipv4" source address="198.51.100.0/24" service name="smtp" drop',
        'rule protocol value="tcp" drop',
        'rule priority="-10" family="ipv6" port port="25" protocol="tcp" log prefix="accept" drop',
        'rule family="ipv4" forward-port port="25" protocol="tcp" to-port="2525" to-addr="192.0.2.9"',
    ],
)
def test_a_rich_rule_that_takes_mail_away_is_named_with_its_removal(rule: str) -> None:
    (found,) = refusals(Settings(rich_rules=(rule,)), [PEER])
    assert found.option == f"--remove-rich-rule='{rule}'"


@pytest.mark.parametrize(
    "rule",
    [
        'rule family="ipv4" source address="203.0.113.0/24" drop',
        'rule family="ipv4" source NOT address="198.51.100.0/24" drop',
        'rule family="ipv4" source address="198.51.100.0/24" invert="true" drop',
        'rule family="ipv4" source ipset="bad" drop',
        'rule family="ipv6" source address="2001:db8::/32" drop',
        'rule port port="465" protocol="tcp" drop',
        'rule service name="http" reject',
        'rule protocol value="udp" drop',
        'rule icmp-block name="echo-request"',
        "rule masquerade",
        'rule service name="smtp" accept',
        'rule service name="smtp" log prefix="drop" accept',
    ],
)
def test_a_rich_rule_about_something_else_is_not_blamed(rule: str) -> None:
    assert list(refusals(Settings(rich_rules=(rule,)), [PEER])) == []


def test_a_forward_of_25_is_named_and_one_of_another_port_is_not() -> None:
    found = list(refusals(Settings(forwards=(("465", "tcp", "", ""), ("25", "tcp", "2525", ""))), []))
    assert [one.option for one in found] == ["--remove-forward-port=port=25:proto=tcp:toport=2525:toaddr="]


@pytest.mark.parametrize(
    ("policy", "first"),
    [
        (Settings(priority=-1, ingress=("ANY",), egress=("HOST",)), True),
        (Settings(priority=-1, ingress=("public",), egress=("HOST",)), True),
        (Settings(priority=10, ingress=("ANY",), egress=("HOST",)), False),
        (Settings(priority=-1, ingress=("work",), egress=("HOST",)), False),
        (Settings(priority=-1, ingress=("ANY",), egress=("public",)), False),
        (Settings(priority=-1, ingress=("HOST",), egress=("ANY",)), False),
    ],
)
def test_only_a_policy_before_the_zone_and_towards_the_host_counts(policy: Settings, first: bool) -> None:
    assert applies_first(policy, ["public"]) == first


@pytest.mark.parametrize(
    ("source", "peers", "yes"),
    [
        ("", [], True),
        ("0.0.0.0/0", [], True),
        ("198.51.100.0/24", [], False),
        ("198.51.100.0/24", [PEER], True),
        ("198.51.100.7", [PEER], True),
        ("2001:db8::/32", [PEER], False),
        ("00:11:22:33:44:55", [PEER], False),
        ("ipset:bad", [PEER], False),
    ],
)
def test_a_source_covers_everybody_or_a_peer(source: str, peers: list[str], yes: bool) -> None:
    assert covers(source, peers) == yes
    assert bound_elsewhere([source], peers) == (source if yes else "")
