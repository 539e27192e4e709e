"""A policy in a run that knows nothing of one of its hosts, because that failed or is not part of it."""

from __future__ import annotations

import pytest

from dns.mta_sts.policy import Served
from dns.mta_sts.values import NOW as AT_ONCE
from tests.dns.mta_sts.zone import MX1, MX2, decided, mx, policy, served, txt

BOTH = policy("testing", MX1, MX2)
ENFORCED = policy("enforce", MX1, MX2)


@pytest.mark.parametrize("published", [(MX1, MX2), (MX1,)], ids=["its MX stands", "it has no MX yet"])
def test_the_policy_goes_on_to_list_it_and_is_not_raised_to_enforce(published: tuple[str, ...]) -> None:
    plan = decided("enforce", [*mx(*published), *txt(BOTH)], served(BOTH), missing=(MX2,))
    assert plan.publish == BOTH
    assert not plan.pending
    assert any(MX2 in note for note in plan.notes)


def test_a_policy_that_is_enforced_stays_so() -> None:
    plan = decided("enforce", [*mx(MX1, MX2), *txt(ENFORCED)], served(ENFORCED), missing=(MX2,))
    assert (plan.publish, plan.pending) == (ENFORCED, False)


def test_a_first_policy_is_not_enforced_for_a_host_that_is_not_known() -> None:
    plan = decided("enforce", mx(MX1), Served(absent=True), missing=(MX2,))
    assert plan.publish == BOTH


def test_nothing_waits_for_it() -> None:
    plan = decided("testing", [*mx(MX1), *txt(BOTH)], served(BOTH), missing=(MX2,))
    assert (plan.mx, plan.waiting) == (AT_ONCE, ())
