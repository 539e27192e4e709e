"""How long mail is kept, and how much a mailbox may hold, as the inventory says it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from dns.inventory import Domain, from_hosts
from provision.desired.letterbox_toml import letterbox_toml
from receiver.config.load import from_table
from receiver.mailbox import Mailbox
from tests.dns.inventory.good import GOOD_DOMAIN, GOOD_HOST, problems
from tests.provision.hosts import WANTED


def domain(**keys: Any) -> Domain:
    data = {**GOOD_HOST, "domains": {"example.com": {**GOOD_DOMAIN, **keys}}}
    (found,) = from_hosts([("mx1.example.com", data)]).domains
    return found


def test_the_limits_of_a_domain_are_those_of_each_of_its_mailboxes() -> None:
    found = domain(keep={"days": 30}, quota=1_000_000, tls_reports=True)
    assert found.keep == {"alice": 30, "bob": 30, "tls-reports": 30}
    assert found.quota == {"alice": 1_000_000, "bob": 1_000_000, "tls-reports": 1_000_000}


def test_a_mailbox_may_have_limits_of_its_own_or_none() -> None:
    boxes = {"Alice": {"keep": {"days": 365}}, "bob": {"keep": None, "quota": 5}, "carol": {}, "dave": None}
    found = domain(mailboxes=boxes, keep={"days": 30})
    assert found.mailboxes == ("alice", "bob", "carol", "dave")
    assert found.keep == {"alice": 365, "carol": 30, "dave": 30}
    assert found.quota == {"bob": 5}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"keep": 30}, 'keep must be {"days": 30}, with 1 to 36500 days, or left out, not 30'),
        ({"keep": {"days": 0}}, "with 1 to 36500 days, or left out, not {'days': 0}"),
        ({"keep": {"days": True}}, "with 1 to 36500 days, or left out, not {'days': True}"),
        ({"keep": {"days": 3, "weeks": 1}}, "or left out, not {'days': 3, 'weeks': 1}"),
        ({"quota": "1G"}, "a whole number of octets such as 1_000_000_000, or left out, not '1G'"),
        ({"quota": False}, "a whole number of octets such as 1_000_000_000, or left out, not False"),
        ({"quota": 0}, "quota must be a whole number of octets such as 1_000_000_000, or left out, not 0"),
        ({"mailboxes": {"alice": 5}}, 'its options must be a dict such as {"quota": 1_000_000_000}, not 5'),
        ({"mailboxes": {"alice": {"quote": 5}}}, "mailbox alice: unknown key quote (did you mean quota?)"),
        ({"mailboxes": {"alice": {"quota": -5}}}, "mailbox alice: quota must be a whole number of octets"),
        ({"mailboxes": {"alice": {"keep": {}}}}, 'mailbox alice: keep must be {"days": 30}'),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_reported_once(keys: dict[str, Any], problem: str) -> None:
    (line,) = problems(domain=keys)
    assert problem in line


@pytest.mark.parametrize(
    ("keys", "written"),
    [
        ({}, {}),
        (
            {"keep": {"days": 30}, "quota": 7},
            {"keep": {"example.com": 30}, "quota": {"example.com": 7}},
        ),
        (
            {"mailboxes": {"alice": {"quota": 5}, "bob": {"keep": None}}, "keep": {"days": 30}},
            {"keep": {"alice@example.com": 30}, "quota": {"alice@example.com": 5}},
        ),
    ],
)
def test_the_receiver_reads_what_the_inventory_says(keys: dict[str, Any], written: dict[str, Any]) -> None:
    found = domain(**keys)
    table = tomllib.loads(letterbox_toml(WANTED.host, [found]))
    assert {name: table[name] for name in ("keep", "quota") if name in table} == written
    config = from_table(table, "x")
    assert config.keep == {Mailbox("example.com", name): days for name, days in found.keep.items()}
    assert config.quota == {Mailbox("example.com", name): octets for name, octets in found.quota.items()}
