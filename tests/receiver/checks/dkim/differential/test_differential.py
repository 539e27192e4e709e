"""The receiver judges random signed messages as mailauth and dkimpy do, but for the causes."""

from __future__ import annotations

import time

import pytest

from tests.receiver.checks.dkim.differential.causes import CAUSES
from tests.receiver.checks.dkim.differential.compare import Comparison, compare
from tests.receiver.checks.dkim.differential.generate import CHANGES, case
from tests.receiver.checks.dkim.messages import results

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


def test_a_difference_is_found() -> None:
    """Judging a message other than the peers did must show. Here the body is another one."""
    passed = next(each for each in map(case, range(100)) if _results(each.message) == ["pass"])
    assert _results(passed.message + b"x\r\n") != ["pass"]


def _results(message: bytes) -> list[str]:
    return [each.result for each in results(message, case(0).zone, now=time.time())]
