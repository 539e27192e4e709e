"""What is in the way, and what replaces it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.plan import Replacing, plan
from dns.records import Record, mark_of
from tests.dns.plan.example import MX, WANTED, A, foreign, planned, there


@pytest.mark.parametrize(
    ("obstacle", "fix", "replacing"),
    [
        (
            Record("MX", "e.test", "old.test", 5),
            "--replace-mx old.test",
            Replacing(mx=frozenset({"old.test"})),
        ),
        (Record("MX", "e.test", ".", 0), "--replace-mx .", Replacing(mx=frozenset({"."}))),
        (
            Record("A", "mx.e.test", "9.9.9.9"),
            "--replace-address 9.9.9.9",
            Replacing(address=frozenset({"9.9.9.9"})),
        ),
        (
            Record("AAAA", "mx.e.test", "2606:4700::1"),
            "--replace-address 2606:4700::1",
            Replacing(address=frozenset({"2606:4700::1"})),
        ),
        (
            Record("CNAME", "mx.e.test", "other.test"),
            "--replace-cname other.test",
            Replacing(cname=frozenset({"other.test"})),
        ),
    ],
)
def test_a_foreign_record_in_the_way_goes_only_when_it_is_named(
    obstacle: Record, fix: str, replacing: Replacing
) -> None:
    blocked = planned(MX, A, obstacle)
    (named,) = blocked.obstacles
    assert named.record == obstacle
    assert fix in str(named)
    assert blocked.deletes == ()
    assert planned(MX, A, obstacle, replacing=Replacing(mx=frozenset({"x.test"}))).obstacles
    freed = planned(MX, A, obstacle, replacing=replacing)
    assert freed.obstacles == ()
    assert [held.record for held in freed.deletes] == [obstacle]


def test_a_foreign_mx_to_our_host_with_another_priority_is_patched_only_when_named() -> None:
    held = foreign(MX, priority=50)
    assert planned(held, A).obstacles
    freed = planned(held, A, replacing=Replacing(mx=frozenset({"mx.e.test"})))
    assert [change.after for change in freed.patches] == [MX]


def test_a_foreign_proxied_mail_host_is_unproxied_only_when_named() -> None:
    held = foreign(A, proxied=True)
    (obstacle,) = planned(MX, held).obstacles
    assert "proxied" in obstacle.breaks
    freed = planned(MX, held, replacing=Replacing(address=frozenset({"1.1.1.1"})))
    assert [change.after for change in freed.patches] == [A]


def test_email_routings_records_cannot_be_replaced_and_the_fix_is_to_turn_it_off() -> None:
    routed = there(Record("MX", "e.test", "route1.mx.cloudflare.net", 5), locked=True)
    everything = Replacing(mx=frozenset({"route1.mx.cloudflare.net"}))
    (obstacle,) = plan("e.test", "e.test", WANTED, routed, everything).obstacles
    assert "Email Routing" in str(obstacle)


def test_a_delegation_that_shadows_the_mail_host_is_named() -> None:
    (obstacle,) = planned(MX, A, Record("NS", "mx.e.test", "ns.x.test")).obstacles
    assert "delegates mx.e.test" in str(obstacle)


def test_a_cname_at_the_apex_may_stand_beside_mx() -> None:
    assert planned(MX, A, Record("CNAME", "e.test", "site.x.test")).in_sync


def test_a_cname_at_a_domain_below_the_apex_is_in_the_way() -> None:
    mx = replace(MX, name="sub.e.test", comment=mark_of("sub.e.test"))
    cname = there(Record("CNAME", "sub.e.test", "site.x.test"))
    assert plan("sub.e.test", "e.test", (mx,), cname).obstacles


def test_a_domain_that_wants_nothing_has_nothing_in_its_way() -> None:
    alias = there(Record("CNAME", "sub.e.test", "site.x.test"))
    assert plan("sub.e.test", "e.test", (), alias).in_sync
