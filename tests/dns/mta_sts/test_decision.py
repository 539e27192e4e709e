"""What is done about a policy, and what waits, by what the zone and the policy host answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dns.mta_sts.policy import Served, record
from dns.mta_sts.values import ANNOUNCED, LATER, NONE, UPLOADED
from dns.mta_sts.values import NOW as AT_ONCE
from dns.until import PROPAGATION
from tests.dns.mta_sts.zone import (
    DOMAIN,
    MARK,
    MX1,
    MX2,
    NOW,
    UNKNOWN,
    decided,
    mx,
    old_name,
    policy,
    served,
    txt,
)

ONE, TWO, BOTH = policy("enforce", MX1), policy("enforce", MX2), policy("enforce", MX1, MX2)
TESTING = policy("testing", MX1)
NOBODY = Served(absent=True)


def test_a_domain_without_the_option_and_without_a_policy_has_nothing_to_do_with_one() -> None:
    plan = decided("", [], NOBODY)
    assert (plan.touches, plan.pending, plan.mx) == (False, False, AT_ONCE)


def test_the_txt_record_waits_until_the_policy_is_served() -> None:
    plan = decided("testing", mx(MX1), NOBODY)
    assert (plan.publish, plan.upload, plan.next_record) == (TESTING, True, None)
    after = decided("testing", mx(MX1), served(TESTING))
    assert after.next_record and after.next_record.content == record(TESTING.id)
    assert (after.next_record.ttl, after.next_record.comment) == (60, MARK)


def test_the_txt_record_waits_until_cloudflare_has_the_policy_too() -> None:
    removed = {"uploaded": lambda text: False}
    plan = decided("testing", mx(MX1), served(TESTING), known=removed)
    assert (plan.upload, plan.right, plan.next_record) == (True, False, None)
    assert not decided("testing", [*mx(MX1), *txt(TESTING)], served(TESTING), known=removed).pending


def test_what_is_as_wanted_leaves_nothing_to_do() -> None:
    plan = decided("enforce", [*mx(MX1), *txt(ONE)], served(ONE))
    assert not plan.pending
    assert plan.record == txt(ONE)[0].record


def test_a_policy_that_cannot_be_fetched_is_neither_right_nor_absent() -> None:
    plan = decided(
        "enforce", [*mx(MX1), *txt(ONE)], UNKNOWN, known={"uploaded": lambda text: text == ONE.text}
    )
    assert (plan.publish, plan.upload, plan.right, plan.pending) == (ONE, False, False, True)


def test_the_policy_lists_the_hosts_and_every_mx_that_is_published() -> None:
    plan = decided("testing", mx(MX1, "mx.elsewhere.example"), NOBODY, hosts=(MX2,))
    assert plan.publish == policy("testing", MX1, MX2, "mx.elsewhere.example")


def test_an_mx_that_no_policy_can_name_is_left_out_of_it() -> None:
    plan = decided("testing", mx("mail_1.example.com", "localhost", "."), NOBODY)
    assert plan.publish == TESTING


def test_a_host_that_left_stays_listed_until_no_sender_has_its_mx() -> None:
    found = [*mx(MX2), *txt(BOTH, f"{MARK} leaving 2026-11-26T03:01:00Z")]
    assert decided("enforce", found, served(BOTH), hosts=(MX2,)).publish == BOTH
    found = [*mx(MX2), *txt(BOTH, f"{MARK} leaving 2026-11-26T02:59:00Z")]
    plan = decided("enforce", found, served(BOTH), hosts=(MX2,))
    assert plan.publish == TWO
    assert plan.record and plan.record.comment == MARK


def test_an_mx_that_somebody_deleted_by_hand_is_listed_for_its_ttl_from_now_on() -> None:
    plan = decided("enforce", [*mx(MX2, ttl=3600), *txt(BOTH)], served(BOTH), hosts=(MX2,))
    assert plan.publish == BOTH
    assert plan.record and plan.record.comment == f"{MARK} leaving 2026-11-26T04:04:00Z"


def test_an_old_name_that_keeps_its_addresses_is_listed() -> None:
    found = [*mx(MX2), *old_name(MX1, "2026-11-26T03:05:00Z")]
    assert decided("testing", found, NOBODY, hosts=(MX2,)).publish == policy("testing", MX1, MX2)
    found = [*mx(MX2), *old_name(MX1, "2026-11-26T02:55:00Z")]
    assert decided("testing", found, NOBODY, hosts=(MX2,)).publish == policy("testing", MX2)


class TestWhenAnMxComes:
    def test_it_waits_for_nothing_if_there_was_never_a_policy(self) -> None:
        assert decided("testing", mx(MX1), NOBODY, hosts=(MX1, MX2)).mx == AT_ONCE

    def test_it_waits_until_the_txt_of_a_policy_that_lists_it_has_stood(self) -> None:
        both, known = (MX1, MX2), {"stood": BOTH.id}
        assert decided("enforce", [*mx(MX1), *txt(ONE)], served(ONE), hosts=both).mx == ANNOUNCED
        assert decided("enforce", [*mx(MX1), *txt(ONE)], served(BOTH), hosts=both).mx == ANNOUNCED
        young = [*mx(MX1), *txt(BOTH, since=NOW - timedelta(seconds=60 + PROPAGATION - 1))]
        assert decided("enforce", young, served(BOTH), hosts=both).mx == ANNOUNCED
        assert decided("enforce", young, served(BOTH), hosts=both, known=known).mx == AT_ONCE
        old = [*mx(MX1), *txt(BOTH, since=NOW - timedelta(seconds=60 + PROPAGATION))]
        assert decided("enforce", old, served(BOTH), hosts=both).mx == AT_ONCE

    def test_a_txt_without_a_time_has_not_stood(self) -> None:
        found = [*mx(MX1), *txt(BOTH)]
        found[-1] = type(found[-1])("txt", found[-1].record, modified="")
        assert decided("enforce", found, served(BOTH), hosts=(MX1, MX2)).mx == ANNOUNCED

    def test_it_waits_while_what_senders_get_is_not_known(self) -> None:
        assert decided("enforce", [*mx(MX1), *txt(BOTH)], UNKNOWN, hosts=(MX1, MX2)).mx == ANNOUNCED

    def test_it_waits_for_another_run_if_its_certificate_is_not_known_under_enforce(self) -> None:
        plan = decided("enforce", [*mx(MX1), *txt(BOTH)], served(BOTH), hosts=(MX1, MX2), refused={MX1: ""})
        assert (plan.publish, plan.mx) == (BOTH, LATER)
        assert "no MX leads to mx2.example.com yet" in plan.waiting[0]

    def test_it_waits_for_the_testing_policy_if_its_certificate_is_refused(self) -> None:
        refused = {MX1: "", MX2: "its certificate is self-signed"}
        plan = decided("enforce", [*mx(MX1), *txt(BOTH)], served(BOTH), hosts=(MX1, MX2), refused=refused)
        assert (plan.publish, plan.mx) == (policy("testing", MX1, MX2), ANNOUNCED)

    def test_it_waits_for_no_policy_that_is_taken_back_and_has_stood(self) -> None:
        comment = "letterbox until 2026-12-03T03:05:00Z example.com"
        assert decided("none", [*mx(MX1), *txt(NONE, comment)], served(NONE), hosts=(MX1, MX2)).mx == AT_ONCE

    def test_without_the_option_it_waits_for_the_user(self) -> None:
        plan = decided("", [*mx(MX1), *txt(ONE)], served(ONE), hosts=(MX1, MX2))
        assert (plan.publish, plan.mx) == (None, LATER)
        assert '"mta_sts": "testing"' in plan.waiting[0]

    def test_it_waits_although_somebody_deleted_the_txt_if_the_policy_is_still_served(self) -> None:
        assert decided("enforce", mx(MX1), served(ONE), hosts=(MX1, MX2)).mx == ANNOUNCED

    def test_a_first_policy_that_is_enforced_is_uploaded_before(self) -> None:
        assert decided("enforce", [], NOBODY).mx == UPLOADED
        assert decided("enforce", [], NOBODY, known={"uploaded": lambda text: True}).mx == AT_ONCE


class TestTheMode:
    def test_a_new_domain_is_enforced_at_once(self) -> None:
        assert decided("enforce", [], NOBODY).publish == ONE

    def test_what_was_uploaded_for_a_new_domain_is_not_forgotten_by_a_run_that_was_cut_off(self) -> None:
        known = {"uploaded": ONE.text.__eq__}
        assert decided("enforce", mx(MX1), UNKNOWN, known=known).publish == ONE

    def test_a_domain_that_took_mail_before_is_tested_first_until_no_older_mx_can_be_kept(self) -> None:
        plan = decided("enforce", mx(MX1), NOBODY)
        assert plan.publish == TESTING
        assert plan.record and plan.record.comment == f"{MARK} leaving 2026-11-26T03:09:00Z"
        assert "may have an older MX" in plan.notes[0]
        assert "after 2026-11-26 03:09 UTC" in plan.notes[1]
        then = [*mx(MX1), *txt(TESTING, f"{MARK} leaving 2026-11-26T02:59:00Z")]
        assert decided("enforce", then, served(TESTING)).publish == ONE

    def test_a_certificate_that_is_refused_makes_it_testing_and_says_why(self) -> None:
        refused = {MX1: "its certificate ran out on 2026-11-01"}
        plan = decided("enforce", [*mx(MX1), *txt(ONE)], served(ONE), refused=refused)
        assert plan.publish == TESTING
        assert "its certificate ran out on 2026-11-01" in plan.notes[0]

    def test_a_host_that_was_not_asked_changes_nothing_and_this_is_said(self) -> None:
        enforced = decided("enforce", [*mx(MX1), *txt(ONE)], served(ONE), refused={})
        assert (enforced.publish, enforced.pending) == (ONE, False)
        tested = decided("enforce", [*mx(MX1), *txt(TESTING)], served(TESTING), refused={})
        assert (tested.publish, tested.pending) == (TESTING, False)
        assert "is not known" in tested.notes[0]

    def test_nothing_is_changed_if_neither_the_host_nor_the_policy_host_answers(self) -> None:
        plan = decided("enforce", [*mx(MX1, MX2), *txt(ONE)], UNKNOWN, refused={})
        assert (plan.publish, plan.record) == (None, None)
        assert plan.waiting

    @pytest.mark.parametrize("left", [mx(MX1, MX2), [*mx(MX1), *old_name(MX2, "2026-11-26T03:05:00Z")]])
    def test_it_is_not_enforced_while_a_sender_may_come_to_another_host(self, left: list) -> None:
        both = policy("testing", MX1, MX2)
        assert decided("enforce", [*left, *txt(both)], served(both)).publish == both

    def test_nothing_is_shrunk_while_it_cannot_be_read_what_is_listed(self) -> None:
        found = [*mx(MX2), *txt(BOTH, f"{MARK} leaving 2026-11-26T03:01:00Z")]
        plan = decided("enforce", found, UNKNOWN, hosts=(MX2,))
        assert plan.publish is None
        assert "cannot be read" in plan.waiting[0]


def test_what_somebody_wrote_behind_our_mark_stays() -> None:
    found = [*mx(MX2), *txt(BOTH, f"{MARK} leaving 2026-11-26T02:59:00Z ask Bob first")]
    plan = decided("enforce", found, served(BOTH), hosts=(MX2,))
    assert plan.record and plan.record.comment == f"{MARK} ask Bob first"


def test_a_domain_too_long_for_its_comment_keeps_its_times() -> None:
    from dns.mta_sts import announced
    from dns.records import ZoneRecord, is_marked, mark_of

    name = "a" * 60 + ".example.com"
    made = announced.announcing(name, ONE.id, NOW, NOW, announced.Announced())
    assert made.comment and len(made.comment) <= 100
    assert is_marked(made, mark_of(name))
    found = announced.find(name, [ZoneRecord("1", made)])
    assert (found.leaving, found.kept, found.id) == (NOW, NOW, ONE.id)
    assert DOMAIN not in made.comment
