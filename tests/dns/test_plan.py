"""The plan as a table: what is wanted and what is there, and what follows."""

from dataclasses import replace

import pytest

from dns.plan import Plan, Replacing, plan
from dns.records import Record, ZoneRecord, mark_of

MARK = mark_of("e.test")
MX = Record("MX", "e.test", "mx.e.test", 10, comment=MARK)
A = Record("A", "mx.e.test", "1.1.1.1", comment=MARK)
WANTED = (MX, A)


def there(*records: Record, locked: bool = False) -> list[ZoneRecord]:
    """These records as a zone's."""
    return [ZoneRecord(str(number), record, locked) for number, record in enumerate(records)]


def foreign(record: Record, **changed: object) -> Record:
    """The record, as somebody else made it."""
    return replace(record, comment=None, **changed)  # type: ignore[arg-type]


def planned(*actual: Record, replacing: Replacing = Replacing(), zone: str = "e.test") -> Plan:  # noqa: B008
    return plan("e.test", zone, WANTED, there(*actual), replacing)


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


@pytest.mark.parametrize(
    ("obstacle", "mend", "replacing"),
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
    obstacle: Record, mend: str, replacing: Replacing
) -> None:
    blocked = planned(MX, A, obstacle)
    (named,) = blocked.obstacles
    assert named.record == obstacle
    assert mend in str(named)
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


def test_email_routings_records_cannot_be_replaced_and_say_where_to_turn_it_off() -> None:
    routed = there(Record("MX", "e.test", "route1.mx.cloudflare.net", 5), locked=True)
    everything = Replacing(mx=frozenset({"route1.mx.cloudflare.net"}))
    (obstacle,) = plan("e.test", "e.test", WANTED, routed, everything).obstacles
    assert "Email Routing" in str(obstacle)


@pytest.mark.parametrize("held", [foreign(MX), foreign(MX, priority=5)])
def test_a_locked_mx_to_our_own_host_is_neither_adopted_nor_patched(held: Record) -> None:
    replacing = Replacing(mx=frozenset({MX.content}))
    made = plan("e.test", "e.test", (MX,), there(held, locked=True), replacing)
    assert (made.changes, made.adopted, len(made.obstacles)) == (0, (), 1)


def test_a_delegation_that_shadows_the_mail_host_is_named() -> None:
    (obstacle,) = planned(MX, A, Record("NS", "mx.e.test", "ns.x.test")).obstacles
    assert "delegates mx.e.test" in str(obstacle)


def test_a_cname_at_the_apex_may_stand_beside_mx() -> None:
    assert planned(MX, A, Record("CNAME", "e.test", "site.x.test")).in_sync


def test_a_cname_at_a_domain_below_the_apex_is_in_the_way() -> None:
    mx = replace(MX, name="sub.e.test", comment=mark_of("sub.e.test"))
    cname = there(Record("CNAME", "sub.e.test", "site.x.test"))
    assert plan("sub.e.test", "e.test", (mx,), cname).obstacles


class TestPolicies:
    """SPF and DMARC of a domain that sends no mail."""

    spf = Record("TXT", "e.test", "v=spf1 -all", comment=MARK)

    def test_they_are_published_beside_other_texts(self) -> None:
        other = there(Record("TXT", "e.test", "verification=1"))
        assert plan("e.test", "e.test", (self.spf,), other).posts == (self.spf,)

    def test_an_spf_that_is_not_ours_stays_and_is_noted(self) -> None:
        other = there(Record("TXT", "e.test", "v=spf1 include:_spf.x.test ~all"))
        made = plan("e.test", "e.test", (self.spf,), other)
        assert made.in_sync
        assert "is not ours and stays" in made.notes[0]

    def test_a_dmarc_behind_an_alias_stays_and_is_noted(self) -> None:
        dmarc = Record("TXT", "_dmarc.e.test", "v=DMARC1; p=reject", comment=MARK)
        alias = there(Record("CNAME", "_dmarc.e.test", "dmarc.x.test"))
        made = plan("e.test", "e.test", (dmarc,), alias)
        assert (made.in_sync, made.withheld) == (True, (dmarc,))
        assert "_dmarc.e.test CNAME dmarc.x.test: is not ours and stays" in made.notes[0]

    def test_ours_goes_when_it_is_no_longer_wanted(self) -> None:
        (held,) = plan("e.test", "e.test", (), there(self.spf)).deletes
        assert held.record == self.spf
