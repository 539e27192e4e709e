"""Records that Cloudflare keeps read-only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.plan import Replacing, plan
from dns.records import Record, ZoneRecord
from tests.dns.plan.example import MARK, MX, WANTED, A, foreign, there


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
