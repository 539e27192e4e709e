"""When TLSA records go: with DANE, with their host, with their domain, and by an undo."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dns import sync
from dns.cloudflare.zones import Zones
from dns.plan import Plan
from dns.sync import undo
from dns.sync.change import apply
from tests.dns.dane.keys import AFTER_REKEY, FIRST, SECOND, THIRD, inventory, outside, published, tlsa
from tests.dns.dane.runs import changed, nowhere, prepared
from tests.lab.cloudflare import StandIn

BOTH_ASK = {"example_test": True, "sub_example_test": True}


class TestSeveralDomainsOfOneZone:
    """The records of a host stand and fall together, whichever domain made them."""

    def test_they_are_not_made_twice(self, cloudflare: StandIn) -> None:
        changed(inventory(**BOTH_ASK))
        assert prepared(inventory(**BOTH_ASK), domain="sub.example.test").plan.deletes == ()
        changed(inventory(**BOTH_ASK), domain="sub.example.test")
        assert published(cloudflare) == [FIRST, SECOND]

    @pytest.mark.parametrize("domain", ["example.test", "sub.example.test"])
    def test_a_set_with_the_marks_of_two_domains_goes_whole(self, cloudflare: StandIn, domain: str) -> None:
        cloudflare.seed(
            "example.test",
            tlsa(FIRST, comment="letterbox example.test"),
            tlsa(SECOND, comment="letterbox sub.example.test"),
        )
        neither = inventory(example_test=False, sub_example_test=False)
        changed(neither, domain=domain)
        assert published(cloudflare) == []

    def test_they_stay_while_another_domain_asks_for_them(self, cloudflare: StandIn) -> None:
        changed(inventory(**BOTH_ASK))
        one = inventory(example_test=False, sub_example_test=True)
        changed(one)
        assert published(cloudflare) == [FIRST, SECOND]
        apply(sync.prepare_withdrawal(one, "example.test", look_up=nowhere))
        assert published(cloudflare) == [FIRST, SECOND]
        kept = [r["comment"] for r in cloudflare.records("example.test") if r["type"] == "TLSA"]
        assert kept == ["letterbox sub.example.test"] * 2

    def test_a_withdrawal_takes_all_of_a_name_if_nobody_else_asks(self, cloudflare: StandIn) -> None:
        cloudflare.seed(
            "example.test",
            tlsa(FIRST, comment="letterbox example.test"),
            tlsa(SECOND, comment="letterbox sub.example.test"),
        )
        neither = inventory(example_test=False, sub_example_test=False)
        apply(sync.prepare_withdrawal(neither, "example.test", look_up=nowhere))
        assert published(cloudflare) == []


def test_a_run_that_takes_hosts_away_switches_nothing_on(cloudflare: StandIn) -> None:
    """As destroy.py does for some of the hosts."""
    cloudflare.zones["example.test"].signed = False
    leaving = prepared(world=outside(False)).without_signing
    apply(leaving)
    assert not cloudflare.zones["example.test"].signed


class TestOldNames:
    """A renamed host keeps the records of its old name for as long as the addresses there."""

    OLD = "_25._tcp.old.example.test"

    def test_they_stay_with_the_addresses_and_go_with_them(self, cloudflare: StandIn) -> None:
        changed(inventory(["old.example.test"]))
        plan = changed()
        assert plan.staying
        assert published(cloudflare, self.OLD) == published(cloudflare) == [FIRST, SECOND]
        changed(clock=lambda: datetime(2026, 11, 27, tzinfo=UTC))
        assert published(cloudflare, self.OLD) == []
        assert not [r for r in cloudflare.records("example.test") if "old.example.test" in r["name"]]

    def test_a_name_that_is_forgotten_loses_both_at_once(self, cloudflare: StandIn) -> None:
        changed(inventory(["old.example.test"]))
        changed(forgetting={"old.example.test"})
        assert published(cloudflare, self.OLD) == []


class TestUndo:
    """An undo never takes away the key that the host may serve by now."""

    def undone(self) -> Plan:
        zones = Zones()
        zone, plan = undo.plan_undo("example.test", zones)
        return undo.apply("example.test", zone, plan, zones)

    def test_the_first_publication_is_undone_whole(self, cloudflare: StandIn) -> None:
        changed(inventory(example_test=False))
        changed()
        self.undone()
        assert published(cloudflare) == []

    def test_the_run_after_a_rekey_is_not_undone_for_keys(self, cloudflare: StandIn) -> None:
        changed()
        changed(keys=AFTER_REKEY)
        plan = self.undone()
        assert published(cloudflare) == [SECOND, THIRD]
        assert any("stays, because the host may serve this key" in note for note in plan.notes)
        assert any("is not put back" in note for note in plan.notes)

    def test_removed_records_are_not_put_back(self, cloudflare: StandIn) -> None:
        changed()
        changed(inventory(example_test=False))
        plan = self.undone()
        assert published(cloudflare) == []
        assert len(plan.notes) == 2
