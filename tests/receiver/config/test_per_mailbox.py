"""The tables [keep] and [quota] of the configuration."""

from __future__ import annotations

import tomllib

import pytest

from receiver.config.load import ConfigError, from_table
from receiver.config.values import Config
from receiver.mailbox import Mailbox

REST = """hostname = "mx.test"
mail = "/m"
[domains."a.test"]
mailboxes = ["alice", "bob"]
aliases = { team = ["alice"] }
[domains."b.test"]
mailboxes = ["carol"]
"""
ALICE, BOB = Mailbox("a.test", "alice"), Mailbox("a.test", "bob")


def read(tables: str) -> Config:
    return from_table(tomllib.loads(REST + tables), "x")


def test_a_domain_names_all_its_mailboxes_and_an_address_wins_over_its_domain() -> None:
    config = read('[keep]\n"a.test" = 30\n"Alice@a.test" = 365\n[quota]\n"bob@a.test" = 1000\n')
    assert config.keep == {ALICE: 365, BOB: 30}
    assert config.quota == {BOB: 1000}
    assert read('[keep]\n"alice@a.test" = 365\n"a.test" = 30').keep == {ALICE: 365, BOB: 30}
    assert (read("").keep, read("").quota) == ({}, {})


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ("keep = 30", "keep: must be a table, not 30"),
        ('[keep]\n"a.test" = 0', 'keep."a.test": must be a whole number of days, from 1 to 36500, not 0'),
        ('[keep]\n"a.test" = -1', 'keep."a.test": must be a whole number of days, from 1 to 36500, not -1'),
        ('[keep]\n"a.test" = 1.5', 'keep."a.test": must be a whole number of days, from 1 to 36500, not 1.5'),
        (
            '[keep]\n"a.test" = true',
            'keep."a.test": must be a whole number of days, from 1 to 36500, not True',
        ),
        (
            '[keep]\n"a.test" = 99999999999',
            'keep."a.test": must be a whole number of days, from 1 to 36500, not 99999999999',
        ),
        ('[quota]\n"a.test" = 0', 'quota."a.test": must be a whole number of octets, at least 1, not 0'),
        (
            '[quota]\n"a.test" = "1G"',
            "quota.\"a.test\": must be a whole number of octets, at least 1, not '1G'",
        ),
        ('[quota]\n"c.test" = 1', "quota.\"c.test\": 'c.test' is not a domain served here"),
        ('[quota]\n"dave@a.test" = 1', "quota.\"dave@a.test\": 'dave' is not a mailbox of a.test"),
        ('[quota]\n"@a.test" = 1', "quota.\"@a.test\": '' is not a mailbox of a.test"),
        (
            '[quota]\n"team@a.test" = 1',
            'quota."team@a.test": is an alias, and holds no mail: name the mailboxes behind it',
        ),
        (
            '[keep]\n"bob@a.test" = 1\n"BOB@a.test" = 2',
            'keep."BOB@a.test": is named twice (case does not matter)',
        ),
    ],
)  # fmt: skip
def test_each_problem_is_named(tables: str, problem: str) -> None:
    rest = tables + "\n" + REST if tables.startswith("keep =") else REST + tables
    with pytest.raises(ConfigError) as raised:
        from_table(tomllib.loads(rest), "x")
    assert raised.value.problems == (problem,)
