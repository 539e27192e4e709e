"""How a policy is taken back, as it is decided: until when what says so stands, and what goes then."""

from __future__ import annotations

import pytest

from dns.mta_sts.policy import Served
from dns.mta_sts.values import NONE
from dns.mta_sts.values import NOW as AT_ONCE
from tests.dns.mta_sts.zone import MARK, MX1, MX2, decided, mx, policy, served, txt

ONE = policy("enforce", MX1)
TESTING = policy("testing", MX1)
NOBODY = Served(absent=True)


def test_it_stands_for_the_life_of_the_policy_before() -> None:
    plan = decided("none", [*mx(MX1), *txt(ONE)], served(ONE))
    assert (plan.publish, plan.upload, plan.next_record) == (NONE, True, None)
    assert plan.record and plan.record.comment == "letterbox until 2026-12-03T03:04:00Z example.com"
    tested = decided("none", [*mx(MX1), *txt(TESTING)], served(TESTING))
    assert tested.record and tested.record.comment == "letterbox until 2026-11-27T03:04:00Z example.com"


def test_the_life_of_the_policy_before_is_known_by_its_id_when_a_run_was_cut_off() -> None:
    plan = decided("none", [*mx(MX1), *txt(TESTING)], served(NONE))
    assert plan.until == decided("none", [*mx(MX1), *txt(TESTING)], served(TESTING)).until
    other = decided("none", [*mx(MX1), *txt(policy("testing", MX1, MX2))], served(NONE))
    assert other.until == decided("none", [*mx(MX1), *txt(ONE)], served(ONE)).until


def test_a_policy_that_was_enforced_before_it_was_tested_is_remembered() -> None:
    tested = decided("testing", [*mx(MX1), *txt(ONE)], served(ONE))
    assert tested.record and tested.record.comment == f"{MARK} kept 2026-12-03T03:04:00Z"
    found = [*mx(MX1), *txt(TESTING, tested.record.comment)]
    ended = decided("none", found, served(TESTING))
    assert ended.record and ended.record.comment == "letterbox until 2026-12-03T03:04:00Z example.com"


def test_the_first_run_after_it_takes_everything_away() -> None:
    over = txt(NONE, "letterbox until 2026-11-26T03:00:00Z example.com")
    plan = decided("none", [*mx(MX1), *over], served(NONE), known={"hosted": True})
    assert (plan.remove, plan.at_once, plan.publish) == (True, False, None)
    stands = txt(NONE, "letterbox until 2026-11-26T03:00:01Z example.com")
    before = decided("none", [*mx(MX1), *stands], served(NONE), known={"hosted": True})
    assert (before.remove, before.pending) == (False, False)


def test_a_worker_without_a_txt_record_goes() -> None:
    assert decided("none", mx(MX1), NOBODY, known={"hosted": True}).remove
    assert not decided("none", mx(MX1), NOBODY).pending


@pytest.mark.parametrize("mode", ["", "testing", "enforce"])
def test_a_domain_that_ends_takes_its_policy_back_whatever_the_inventory_says(mode: str) -> None:
    plan = decided(mode, [*mx(MX1), *txt(ONE)], served(ONE), hosts=(), ending=True)
    assert plan.publish == NONE


def test_it_can_be_taken_back() -> None:
    found = [*mx(MX1), *txt(NONE, "letterbox until 2026-12-03T03:05:00Z example.com")]
    plan = decided("testing", found, served(NONE))
    assert plan.publish == TESTING
    assert plan.record and plan.record.comment == f"{MARK} kept 2026-12-03T03:05:00Z"


def test_one_whose_time_was_edited_away_begins_again() -> None:
    plan = decided("none", [*mx(MX1), *txt(NONE, "letterbox until soon example.com")], served(NONE))
    assert plan.remove is False
    assert plan.until is not None


def test_forgetting_waits_for_nobody() -> None:
    plan = decided("none", [*mx(MX1), *txt(ONE)], served(ONE), forget=True)
    assert (plan.remove, plan.at_once, plan.mx) == (True, True, AT_ONCE)
