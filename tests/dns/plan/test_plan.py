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


def test_email_routings_records_cannot_be_replaced_and_say_where_to_turn_it_off() -> None:
    routed = there(Record("MX", "e.test", "route1.mx.cloudflare.net", 5), locked=True)
    everything = Replacing(mx=frozenset({"route1.mx.cloudflare.net"}))
    (obstacle,) = plan("e.test", "e.test", WANTED, routed, everything).obstacles
    assert "Email Routing" in str(obstacle)


@pytest.mark.parametrize("held", [foreign(MX), foreign(A), MX, A], ids=["MX", "A", "our MX", "our A"])
def test_a_read_only_record_that_is_right_is_adopted(held: Record) -> None:
    wanted = (replace(held, comment=MARK),)
    made = plan("e.test", "e.test", wanted, there(held, locked=True))
    assert (made.in_sync, [one.record for one in made.adopted]) == (True, [held])


@pytest.mark.parametrize("held", [foreign(MX, priority=5), replace(MX, priority=5), foreign(A, proxied=True)])
def test_a_read_only_record_that_is_not_right_is_in_the_way_and_never_patched(held: Record) -> None:
    replacing = Replacing(mx=frozenset({MX.content}), address=frozenset({A.content}))
    wanted = (MX if held.type == "MX" else A,)
    made = plan("e.test", "e.test", wanted, there(held, locked=True), replacing)
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


@pytest.mark.parametrize(
    ("record", "owner", "said", "where"),
    [
        (Record("MX", "e.test", "route1.mx.cloudflare.net", 5), "Email Routing", "Email Routing", "Disable"),
        (Record("AAAA", "mx.e.test", "100::", proxied=True), "Workers", "Worker", "Domains & Routes"),
        (Record("CNAME", "mx.e.test", "public.r2.dev", proxied=True), "R2", "R2 bucket", "R2 > the bucket"),
        (Record("CNAME", "mx.e.test", "site.pages.dev"), "Pages", "Pages project", "Custom domains"),
        (Record("CNAME", "mx.e.test", "x.cfargotunnel.com"), "Tunnel", "Tunnel", "Zero Trust"),
        (Record("A", "mx.e.test", "9.9.9.9"), "Cloudflare", "another product", "DNS > Records"),
        (Record("A", "mx.e.test", "9.9.9.9"), "", "another product", "DNS > Records"),
        (Record("AAAA", "mx.e.test", "100::"), "", "Worker", "Domains & Routes"),
    ],
)
def test_a_read_only_record_is_in_the_way_with_its_owner_and_never_offered_to_be_replaced(
    record: Record, owner: str, said: str, where: str
) -> None:
    content = frozenset({record.content})
    everything = Replacing(mx=content, cname=content, address=content)
    held = ZoneRecord("1", record, locked=True, owner=owner)
    made = plan("e.test", "e.test", WANTED, [held, *there(MX, A)], everything)
    (obstacle,) = made.obstacles
    assert (made.deletes, made.patches) == ((), ())
    assert said in obstacle.breaks
    assert where in obstacle.fix
    assert "--replace" not in str(obstacle)
    if owner != "Email Routing":
        assert "Email Routing" not in str(obstacle)


def test_a_read_only_record_elsewhere_is_not_looked_at() -> None:
    elsewhere = [Record("CNAME", "files.e.test", "public.r2.dev"), Record("TXT", "k._domainkey.e.test", "v=")]
    assert plan("e.test", "e.test", WANTED, [*there(MX, A), *there(*elsewhere, locked=True)]).in_sync


def test_our_record_that_became_read_only_and_is_not_wanted_any_more_is_noted_and_stays() -> None:
    old = replace(A, name="old.e.test")
    made = plan("e.test", "e.test", WANTED, [*there(MX, A), ZoneRecord("9", old, locked=True)])
    assert made.in_sync
    assert "Cloudflare keeps it read-only" in made.notes[0]


class TestSiblings:
    """Two domains of an inventory in one zone: their mail host's addresses are ours with either mark."""

    sibling = mark_of("sub.e.test")

    def planned(self, *actual: Record) -> Plan:
        return plan("e.test", "e.test", WANTED, there(MX, *actual), siblings=["e.test", "sub.e.test"])

    def test_an_address_that_changed_is_exchanged_whichever_domain_made_it(self) -> None:
        made = self.planned(replace(A, content="1.1.1.2", comment=self.sibling))
        assert ([held.record.content for held in made.deletes], made.posts) == (["1.1.1.2"], (A,))
        assert made.obstacles == ()

    def test_an_address_that_is_right_is_kept_whichever_domain_made_it(self) -> None:
        assert self.planned(replace(A, comment=self.sibling)).in_sync

    def test_a_time_to_live_is_the_other_domains_to_say(self) -> None:
        assert self.planned(replace(A, ttl=600, comment=self.sibling)).in_sync

    def test_a_proxied_address_is_unproxied_and_stays_the_other_domains(self) -> None:
        (change,) = self.planned(replace(A, proxied=True, comment=self.sibling)).patches
        assert change.after == replace(A, comment=self.sibling)

    def test_an_address_of_a_family_that_the_host_no_longer_has_goes(self) -> None:
        old = Record("AAAA", A.name, "2606:4700::1", comment=self.sibling)
        assert [held.record for held in self.planned(A, old).deletes] == [old]

    def test_the_other_domains_records_elsewhere_stay(self) -> None:
        other = Record("MX", "sub.e.test", "mx.e.test", 10, comment=self.sibling)
        host = Record("A", "old.e.test", "1.1.1.2", comment=self.sibling)
        assert self.planned(A, other, host).in_sync

    def test_a_domain_that_is_not_in_the_inventory_is_somebody_else(self) -> None:
        made = plan(
            "e.test", "e.test", WANTED, there(MX, replace(A, content="1.1.1.2", comment=self.sibling))
        )
        assert (len(made.obstacles), made.deletes) == (1, ())


def test_a_domain_that_wants_nothing_has_nothing_in_its_way() -> None:
    alias = there(Record("CNAME", "sub.e.test", "site.x.test"))
    assert plan("sub.e.test", "e.test", (), alias).in_sync
