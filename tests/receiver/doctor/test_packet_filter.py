"""Rules of nftables as nft prints them in JSON: which of them takes 25/tcp away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.doctor.packet_filter import first_refusing, loading

PEER = "198.51.100.7"
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def ruleset(
    *rules: list[dict[str, Any]], policy: str = "accept", table: str = "shut"
) -> list[dict[str, Any]]:
    chain = {"family": "inet", "table": table, "name": "input", "hook": "input", "policy": policy}
    return [
        {"metainfo": {}},
        {"table": {"family": "inet", "name": table}},
        {"chain": chain},
        *(
            {"rule": {"family": "inet", "table": table, "chain": "input", "handle": at, "expr": expr}}
            for at, expr in enumerate(rules, 2)
        ),
    ]


DROP, ACCEPT = {"drop": None}, {"accept": None}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
STATE = match({"ct": {"key": "state"}}, ["established", "related"], "in")


@pytest.mark.parametrize(
    "rules",
    [
        [[match(DPORT, 25), DROP]],
        [[match(DPORT, {"set": [22, 25]}), {"counter": {}}, {"reject": {"type": "tcp reset"}}]],
        [[match(DPORT, {"range": [1, 1023]}), DROP]],
        [[match(DPORT, {"set": [{"range": [20, 30]}]}), DROP]],
        [[match(DPORT, 22, "!="), DROP]],
        [[match({"meta": {"key": "l4proto"}}, 6), match(DPORT, 25), DROP]],
        [[match(SADDR, {"prefix": {"addr": "198.51.100.0", "len": 24}}), DROP]],
        [[match(DPORT, 25), {"redirect": {"port": 2525}}]],
        [[STATE, ACCEPT], [match(DPORT, 22), ACCEPT], [DROP]],
    ],
)
def test_what_takes_25_tcp_away_is_named_by_its_handle(rules: list[list[dict[str, Any]]]) -> None:
    found = first_refusing(ruleset(*rules), [PEER])
    assert found is not None
    assert found.fix == f"nft delete rule inet shut input handle {len(rules) + 1}"


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [[match(DPORT, 465), DROP]],
        [[match(DPORT, 25), ACCEPT], [DROP]],
        [[match({"payload": {"protocol": "udp", "field": "dport"}}, 25), DROP]],
        [[match(SADDR, "203.0.113.9"), match(DPORT, 25), DROP]],
        [[match({"meta": {"key": "iifname"}}, "lo"), DROP]],
        [[match(SADDR, "@blocked"), DROP]],
        [[match({"meta": {"key": "skuid"}}, 1000), match(DPORT, 25), DROP]],
        [[match(DPORT, 25), {"limit": {"rate": 10}}, DROP]],
        [[STATE, DROP]],
    ],
)
def test_what_lets_it_in_or_is_not_known_is_not_blamed(rules: list[list[dict[str, Any]]]) -> None:
    assert first_refusing(ruleset(*rules), [PEER]) is None


def test_a_policy_of_drop_refuses_what_no_rule_accepts() -> None:
    found = first_refusing(ruleset([match(DPORT, 22), ACCEPT], policy="drop"), [])
    assert found is not None
    assert found.fix == "nft insert rule inet shut input tcp dport 25 accept"
    assert first_refusing(ruleset([match(DPORT, 25), ACCEPT], policy="drop"), []) is None


def test_a_policy_of_drop_is_not_blamed_if_a_rule_may_have_accepted() -> None:
    unknown = [match({"meta": {"key": "cgroup"}}, 7), ACCEPT]
    assert first_refusing(ruleset(unknown, policy="drop"), []) is None


def test_a_rule_for_one_sender_is_judged_only_if_that_sender_is_known() -> None:
    rules = ruleset([match(SADDR, PEER), match(DPORT, 25), DROP])
    assert first_refusing(rules, []) is None
    assert first_refusing(rules, ["203.0.113.1"]) is None
    assert first_refusing(rules, [PEER]) is not None


def test_a_jump_leads_to_the_rule_that_refuses() -> None:
    rules = ruleset([match(DPORT, 25), {"jump": {"target": "mail"}}])
    rules.append({"rule": {"family": "inet", "table": "shut", "chain": "mail", "handle": 9, "expr": [DROP]}})
    found = first_refusing(rules, [])
    assert found is not None
    assert found.fix == "nft delete rule inet shut mail handle 9"


def test_firewalld_itself_is_judged_elsewhere() -> None:
    assert first_refusing(ruleset([match(DPORT, 25), DROP], table="firewalld"), []) is None


def test_the_file_that_loads_a_table_again_is_found(tmp_path: Path) -> None:
    file = tmp_path / "etc/nftables/mine.nft"
    file.parent.mkdir(parents=True)
    file.write_text("table inet shut {\n}\n")
    assert loading("shut", tmp_path) == ["/etc/nftables/mine.nft"]
    assert loading("other", tmp_path) == []
