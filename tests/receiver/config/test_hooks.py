"""The tables [hooks.NAME]: which mailboxes a hook gets, and every problem by its name."""

from __future__ import annotations

import tomllib

import pytest

from receiver.config.load import ConfigError, from_table
from receiver.hook_queue import Hook
from receiver.mailbox import Mailbox

SMALL = """
hostname = "mx.test"
mail = "/m"
[domains."a.test"]
mailboxes = ["alice", "bob"]
aliases = { team = ["alice", "bob"] }
[domains."b.test"]
mailboxes = ["carol"]
"""


def hooks_of(text: str) -> tuple[Hook, ...]:
    return from_table(tomllib.loads(SMALL + text), "x").hooks


def test_without_hooks_there_are_none() -> None:
    assert hooks_of("") == ()


def test_a_hook_gets_its_mailboxes_and_all_recipients_of_its_domains_and_no_others() -> None:
    text = '[hooks.orders]\nmailboxes = ["Alice@a.test"]\n'
    text += '[hooks.archive]\ndomains = ["b.test"]\nmailboxes = ["bob@a.test"]\n'
    archive, orders = hooks_of(text)
    assert (archive.name, orders.name) == ("archive", "orders")
    alice, bob, carol = Mailbox("a.test", "alice"), Mailbox("a.test", "bob"), Mailbox("b.test", "carol")
    assert [orders.wants(each) for each in (alice, bob, carol)] == [True, False, False]
    assert [archive.wants(each) for each in (alice, bob, carol)] == [False, True, True]
    assert not archive.wants(Mailbox("b.test", ".proof"))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[hooks.orders]\n", ["hooks.orders: gets no mail: it needs mailboxes, domains or both"]),
        ('[hooks.orders]\nmailboxes = "alice@a.test"\n', ["mailboxes: must be a list of strings"]),
        ('[hooks.orders]\nmailboxes = ["alice@c.test"]\n', ["'alice@c.test' is not at a domain served here"]),
        ('[hooks.orders]\nmailboxes = ["alice"]\n', ["'alice' is not of the form mailbox@domain"]),
        ('[hooks.orders]\nmailboxes = ["dave@a.test"]\n', ["'dave@a.test' is not a mailbox of a.test"]),
        ('[hooks.orders]\nmailboxes = ["team@a.test"]\n', ["is an alias: name the mailboxes behind it"]),
        ('[hooks.orders]\nmailboxes = ["bob@a.test", "BOB@a.test"]\n', ["'BOB@a.test' is there twice"]),
        ('[hooks.orders]\ndomains = ["a.test", "a.test"]\n', ["domains: 'a.test' is there twice"]),
        ('[hooks.orders]\ndomains = ["c.test"]\n', ["'c.test' is not a domain served here"]),
        ('[hooks.orders]\nmailbox = ["bob@a.test"]\n', ["did you mean mailboxes?", "no mail"]),
        ('[hooks.Orders]\ndomains = ["a.test"]\n', ["hooks.Orders: the name of a hook"]),
        (f'[hooks.{"x" * 33}]\ndomains = ["a.test"]\n', ["the name of a hook is"]),
        ('[hooks."../x"]\ndomains = ["a.test"]\n', ["hooks.../x: the name of a hook is"]),
        ("[hooks]\norders = 1\n", ["hooks.orders: must be a table, not 1"]),
    ],
)  # fmt: skip
def test_each_problem_has_its_key_and_reason(text: str, problems: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        hooks_of(text)
    assert len(raised.value.problems) == len(problems)
    for found, wanted in zip(raised.value.problems, problems, strict=True):
        assert wanted in found
