"""What a run says of a host that gets another name, while senders keep an enforced policy."""

from __future__ import annotations

from provision.withdrawal.given_up import GivenUp
from provision.withdrawal.refusals import remarks

RENAMED = GivenUp(hostname="mx1.example.com")


def test_another_name_under_an_enforced_policy_is_said_with_how_to_do_it_better() -> None:
    _, said = remarks(RENAMED, enforced=["example.com"])
    assert "the policy of example.com and have the MX mx1.example.com" in said
    assert '"mta_sts": "testing"' in said


def test_another_name_without_such_a_policy_is_said_as_before() -> None:
    assert len(remarks(RENAMED)) == 1
    assert remarks(GivenUp(), enforced=["example.com"]) == []
