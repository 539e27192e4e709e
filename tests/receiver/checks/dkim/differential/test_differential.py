"""The receiver judges random signed messages as mailauth and dkimpy do, but for the causes."""

from __future__ import annotations

import pytest

from tests.receiver.checks.dkim.differential.causes import CAUSES, causes
from tests.receiver.checks.dkim.differential.changes import CHANGES
from tests.receiver.checks.dkim.differential.compare import Comparison, compare, signed
from tests.receiver.checks.dkim.differential.generate import Case, case
from tests.receiver.checks.dkim.messages import signed as signed_message
from tests.receiver.checks.dkim.messages import zone

MESSAGES = 2_000  # `make thorough` compares 50,000


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(MESSAGES)


def test_2000_messages_have_no_difference_without_a_cause(comparison: Comparison) -> None:
    assert comparison.messages == MESSAGES
    assert comparison.unexplained == [], str(comparison)


def test_the_causes_are_few_and_each_is_met(comparison: Comparison) -> None:
    """A cause that no message has would be there for nothing."""
    assert len(CAUSES) <= 12
    met = " ".join(comparison.explained)
    assert [name for name in CAUSES if name not in met] == []


def test_the_messages_are_of_all_kinds(comparison: Comparison) -> None:
    assert comparison.changes == set(CHANGES)
    assert set(comparison.ours) == {"pass", "fail", "policy", "permerror"}
    assert comparison.ours["pass"] > comparison.signatures / 4
    assert comparison.ours["fail"] > comparison.signatures / 10


@pytest.mark.parametrize("they_pass", [False, True])
@pytest.mark.parametrize("peer", ["mailauth", "dkimpy"])
def test_a_difference_on_a_usual_message_has_no_cause(peer: str, they_pass: bool) -> None:
    """A cause that holds for any message would hide every difference."""
    usual = Case(signed_message({"c": "relaxed/relaxed"}), zone(), ())
    assert causes(signed(usual, 0), peer, they_pass) == []


def test_a_large_part_of_the_messages_has_no_cause() -> None:
    found = [case(number) for number in range(300)]
    without = [
        each
        for each in found
        if not any(
            causes(signed(each, 0), peer, they_pass)
            for peer in ("mailauth", "dkimpy")
            for they_pass in (False, True)
            if b"dkim-signature" in each.message.partition(b"\r\n\r\n")[0].lower()
        )
    ]
    assert len(without) > len(found) / 3
