"""Undoing a run of a domain with a policy: senders keep the policy, so it stays."""

from __future__ import annotations

import pytest

from dns import sync
from dns.errors import SyncError
from dns.plan import Change
from dns.records import Record, ZoneRecord
from dns.sync import undo
from dns.sync.saved import Saved, joined
from tests.dns.sync.policies.site import MX1, MX2, NAME, Site, hosts
from tests.lab.cloudflare.edge import Edge, EdgeFault


def test_it_takes_the_whole_run_back_but_not_what_tells_of_the_policy(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    before = site.txt
    zones = sync.Zones()
    zone, plan = undo.plan_undo(NAME, zones, clock=site.clock, outside=site.outside)
    undo.apply(NAME, zone, plan, zones)
    assert site.txt == before
    assert {r["name"] for r in site.cloudflare.records(NAME)} == {f"_mta-sts.{NAME}", f"mta-sts.{NAME}"}


def test_it_refuses_an_mx_that_the_policy_does_not_list(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    site.run(hosts(MX2, mta_sts="enforce"))
    undo.plan_undo(NAME, sync.Zones(), clock=site.clock, outside=site.outside)
    zones = sync.Zones()
    zones.workers.publish(zones.holding(NAME), NAME, site.fetch(NAME).text.replace(f"mx: {MX1}\r\n", ""))
    with pytest.raises(SyncError, match=r"does not list mx1\.example\.test: put that host back"):
        undo.plan_undo(NAME, zones, clock=site.clock, outside=site.outside)


def test_it_refuses_an_mx_if_the_policy_is_not_known(site: Site, edge: Edge) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    site.run(hosts(MX2, mta_sts="enforce"))
    edge.fault = EdgeFault("down")
    with pytest.raises(SyncError, match="is not known"):
        undo.plan_undo(NAME, sync.Zones(), clock=site.clock, outside=site.outside)


def _held(key: str, ttl: int) -> ZoneRecord:
    return ZoneRecord(key, Record("A", f"{key}.{NAME}", "192.0.2.1", ttl=ttl))


def test_two_transactions_are_one_change_to_undo() -> None:
    new, old = _held("new", 60), _held("old", 60)
    first = Saved(NAME, "zone", (new,), (Change(old, _held("old", 300).record),), (_held("a", 1).record,))
    then = Saved(
        NAME,
        "zone",
        (_held("newer", 60),),
        (
            Change(_held("new", 60), _held("new", 120).record),
            Change(_held("old", 300), _held("old", 600).record),
            Change(_held("other", 1), _held("other", 60).record),
        ),
        (_held("b", 1).record,),
    )
    both = joined(first, then)
    assert [held.record.ttl for held in both.posted] == [120, 60]
    assert [(change.before.record.ttl, change.after.ttl) for change in both.patched] == [(60, 600), (1, 60)]
    assert [record.name for record in both.deleted] == [f"a.{NAME}", f"b.{NAME}"]
    assert joined(None, then) == then
