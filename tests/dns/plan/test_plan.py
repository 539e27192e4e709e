"""The plan, from what is wanted and what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.plan import Plan, plan
from dns.records import Record, mark_of
from tests.dns.plan.example import MARK, MX, WANTED, A, foreign, planned, there


def test_an_empty_zone_gets_everything() -> None:
    assert planned().posts == WANTED


def test_a_zone_as_wanted_gets_nothing() -> None:
    assert planned(MX, A).in_sync


def test_equal_foreign_records_are_adopted_without_a_write() -> None:
    made = planned(foreign(MX), foreign(A, ttl=3600))
    assert made.in_sync
    assert len(made.adopted) == 2


def test_records_elsewhere_are_not_looked_at() -> None:
    others = [
        Record("A", "www.e.test", "9.9.9.9"),
        Record("MX", "lists.e.test", "x.test", 1),
        Record("TXT", "e.test", "google-site-verification=1"),
        Record("CNAME", "blog.e.test", "x.test"),
        Record("NS", "sub.e.test", "ns.x.test"),
        Record("CAA", "e.test", '0 issue "x"'),
    ]
    assert planned(MX, A, *others).in_sync


def test_our_record_that_is_no_longer_wanted_goes() -> None:
    old = Record("A", "old.e.test", "1.1.1.2", comment=MARK)
    made = planned(MX, A, old)
    assert [held.record for held in made.deletes] == [old]
    assert made.changes == 1


def test_another_domains_records_in_the_zone_stay() -> None:
    assert planned(MX, A, Record("A", "old.e.test", "1.1.1.2", comment=mark_of("sub.e.test"))).in_sync


def test_our_address_that_changed_is_exchanged() -> None:
    made = planned(MX, replace(A, content="1.1.1.2"))
    assert made.posts == (A,)
    assert [held.record.content for held in made.deletes] == ["1.1.1.2"]


@pytest.mark.parametrize("held", [replace(MX, priority=20), replace(MX, ttl=600), replace(MX, priority=0)])
def test_our_mx_with_other_attributes_is_patched(held: Record) -> None:
    made = planned(held, A)
    assert [change.after for change in made.patches] == [MX]
    assert made.changes == 1


def test_what_was_written_behind_our_mark_is_kept() -> None:
    held = replace(MX, ttl=600, comment=f"{MARK} do not touch")
    assert planned(held, A).patches[0].after.comment == f"{MARK} do not touch"


def test_our_proxied_mail_host_is_unproxied() -> None:
    assert planned(MX, replace(A, proxied=True)).patches[0].after == A


class TestSiblings:
    """Two domains of an inventory in one zone. The addresses of their mail host are ours with either mark."""

    sibling = mark_of("sub.e.test")

    def planned(self, *actual: Record) -> Plan:
        return plan("e.test", "e.test", WANTED, there(MX, *actual), siblings=["e.test", "sub.e.test"])

    def test_an_address_that_changed_is_exchanged_whichever_domain_made_it(self) -> None:
        made = self.planned(replace(A, content="1.1.1.2", comment=self.sibling))
        assert ([held.record.content for held in made.deletes], made.posts) == (["1.1.1.2"], (A,))
        assert made.obstacles == ()

    def test_an_address_that_is_right_is_kept_whichever_domain_made_it(self) -> None:
        assert self.planned(replace(A, comment=self.sibling)).in_sync

    def test_the_other_domain_decides_about_its_ttl(self) -> None:
        assert self.planned(replace(A, ttl=600, comment=self.sibling)).in_sync

    def test_a_proxied_address_is_unproxied_and_keeps_the_other_domains_mark(self) -> None:
        (change,) = self.planned(replace(A, proxied=True, comment=self.sibling)).patches
        assert change.after == replace(A, comment=self.sibling)

    def test_an_address_of_an_ip_version_that_the_host_no_longer_has_goes(self) -> None:
        old = Record("AAAA", A.name, "2606:4700::1", comment=self.sibling)
        assert [held.record for held in self.planned(A, old).deletes] == [old]

    def test_the_other_domains_records_elsewhere_stay(self) -> None:
        other = Record("MX", "sub.e.test", "mx.e.test", 10, comment=self.sibling)
        host = Record("A", "old.e.test", "1.1.1.2", comment=self.sibling)
        assert self.planned(A, other, host).in_sync

    def test_a_domain_that_is_not_in_the_inventory_belongs_to_somebody_else(self) -> None:
        made = plan(
            "e.test", "e.test", WANTED, there(MX, replace(A, content="1.1.1.2", comment=self.sibling))
        )
        assert (len(made.obstacles), made.deletes) == (1, ())
