"""`--undo` puts back what the last run changed, and only that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dns import sync
from dns.cloudflare.zones import Zones
from dns.inventory import load
from dns.sync import undo
from tests.dns.example import DOMAIN, HOST, TOKEN, WANTED, Run, inventory_text, only_line, values
from tests.lab.cloudflare import Fault, StandIn

OLD = {"type": "MX", "name": "@", "content": "old.test", "priority": 5, "comment": "Bob's", "ttl": 600}


def test_undo_puts_back_what_was_replaced_in_three_requests(cloudflare: StandIn, run: Run) -> None:
    (before,) = cloudflare.seed("example.test", OLD)
    assert run("--replace-mx", "old.test")[0] == 0
    cloudflare.requests.clear()
    assert run("--undo", "--forget-host", "mx1.example.test")[0] == 0
    (after,) = cloudflare.records("example.test")
    own = ("id", "created_on", "modified_on")
    assert {k: v for k, v in after.items() if k not in own} == {
        k: v for k, v in before.items() if k not in own
    }
    assert len(cloudflare.requests) == 3


def test_undo_can_be_looked_at_first(cloudflare: StandIn, run: Run) -> None:
    run()
    code, out, _ = run("--undo", "--dry-run")
    assert (code, out.splitlines()[0]) == (2, "example.test: 3 to delete")
    assert values(cloudflare) == WANTED


def test_undo_leaves_what_was_changed_since(cloudflare: StandIn, run: Run) -> None:
    run()
    for record in cloudflare.zones["example.test"].records.values():
        if record["type"] == "A":
            record["ttl"] = 3600
    code, out, _ = run("--undo")
    assert code == 0
    assert "has changed since" in out
    assert {record["type"] for record in cloudflare.records("example.test")} == {"A"}


def test_a_second_undo_has_nothing_to_undo(cloudflare: StandIn, run: Run) -> None:
    run()
    run("--undo")
    code, _, err = run("--undo")
    assert code == 1
    assert "no change to undo is known" in err


def test_a_run_that_changes_nothing_does_not_forget_the_last_change(cloudflare: StandIn, run: Run) -> None:
    run()
    run()
    assert run("--undo")[0] == 0
    assert values(cloudflare) == set()


def test_a_refused_change_does_not_take_the_place_of_the_last_one(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    run()
    inventory.write_text(inventory.read_text().replace("198.18.0.25", "198.18.0.99"))
    cloudflare.fail_next(Fault("refuse", on="/batch", status=400, code=9009))
    assert run()[0] == 1
    assert run("--undo")[0] == 0
    assert values(cloudflare) == set()


def test_an_undo_whose_answer_was_lost_is_settled_by_reading(cloudflare: StandIn, run: Run) -> None:
    run()
    cloudflare.fail_next(Fault("cut_after", on="/batch"))
    assert run("--undo")[0] == 0
    assert values(cloudflare) == set()


def test_what_is_kept_holds_no_token(cloudflare: StandIn, run: Run, own_state: Path) -> None:
    run()
    text = (own_state / "letterbox" / "dns" / "example.test.json").read_text()
    assert TOKEN not in text
    assert len(json.loads(text)["posted"]) == 3


def test_nothing_is_sent_if_the_change_cannot_be_kept(
    cloudflare: StandIn, inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(sync.SyncError, match="set XDG_STATE_HOME"):
        sync.apply(sync.prepare(load(inventory), "example.test", {}))
    assert values(cloudflare) == set()


def change_address(inventory: Path) -> None:
    """Give the host another address: one record is added, and one deleted."""
    inventory.write_text(inventory.read_text().replace("198.18.0.25", "198.18.0.99"))


class TestSomebodyElse:
    """What somebody else made or changed is not undone."""

    def test_a_run_after_another_machines_has_nothing_to_undo(
        self, cloudflare: StandIn, run: Run, inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slow = sync.prepare(load(inventory), "example.test", {})
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other machine"))
        run()
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "this machine"))
        sync.apply(slow)
        assert "no change to undo is known" in only_line(run("--undo"))
        assert values(cloudflare) == WANTED

    def test_a_record_that_was_deleted_and_made_again_by_somebody_else_stays(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        run()
        zone = cloudflare.zones["example.test"]
        (old,) = [record for record in zone.records.values() if record["type"] == "A"]
        zone.batch({"deletes": [{"id": old["id"]}]})
        cloudflare.seed("example.test", {k: old[k] for k in ("type", "name", "content", "comment", "ttl")})
        code, out, _ = run("--undo")
        assert code == 0
        assert "was made again since by somebody else, and stays" in out
        assert {record["type"] for record in cloudflare.records("example.test")} == {"A"}

    def test_a_record_that_became_read_only_stays_and_the_rest_is_undone(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        run()
        for record in cloudflare.zones["example.test"].records.values():
            record["meta"] = {"read_only": True} if record["type"] == "AAAA" else {}
        code, out, _ = run("--undo")
        assert code == 0
        assert "is read-only at Cloudflare now, and stays" in out
        assert {record["type"] for record in cloudflare.records("example.test")} == {"AAAA"}

    @pytest.mark.parametrize("identifier", ["0" * 32, "f" * 32])
    def test_a_change_in_another_zone_of_the_name_is_not_undone_in_this_one(
        self, cloudflare: StandIn, run: Run, identifier: str
    ) -> None:
        run()
        cloudflare.zones["example.test"].id = identifier  # as if the zone were in another account
        assert "was made in another zone named example.test" in only_line(run("--undo"))
        assert values(cloudflare) == WANTED

    def test_a_change_of_a_zone_that_is_gone_is_not_undone_in_the_one_above_it(
        self, cloudflare: StandIn, run: Run, inventory: Path
    ) -> None:
        cloudflare.add_zone("sub.example.test")
        inventory.write_text(inventory_text({"mx1.sub.example.test": HOST}, {"sub.example.test": DOMAIN}))
        run(domain="sub.example.test")
        del cloudflare.zones["sub.example.test"]
        line = only_line(run("--undo", domain="sub.example.test"))
        assert "was made in another zone named sub.example.test" in line

    def test_what_somebody_edits_between_reading_and_undoing_is_reported(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        run()
        zones = Zones()
        zone, back = undo.plan_undo("example.test", zones)
        for record in cloudflare.zones["example.test"].records.values():
            record["ttl"] = 3600 if record["type"] == "A" else record["ttl"]
        with pytest.raises(
            sync.SyncError, match=r"undone, but somebody had edited these records .*ttl 1 -> 3600"
        ):
            undo.apply("example.test", zone, back, zones)


class TestAnUndoThatFails:
    """The run reports whether it was undone, and the change is kept until it is."""

    def test_one_that_was_refused_can_be_tried_again(self, cloudflare: StandIn, run: Run) -> None:
        run()
        cloudflare.fail_next(Fault("refuse", on="/batch", status=400, code=9009))
        only_line(run("--undo"))
        assert values(cloudflare) == WANTED
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    @pytest.mark.parametrize(
        "fault",
        [Fault("cut_before", on="/batch"), Fault("unmade", "/batch", change=lambda b: {**b, "result": None})],
        ids=["cut off", "hollow"],
    )
    def test_one_that_was_not_made_says_so_and_can_be_tried_again(
        self, cloudflare: StandIn, run: Run, fault: Fault
    ) -> None:
        run()
        cloudflare.fail_next(fault)
        assert "3 of 3 changes are not undone: run again" in only_line(run("--undo"))
        assert run("--undo")[0] == 0
        assert values(cloudflare) == set()

    def test_one_that_cannot_be_settled_says_that_it_is_unknown(self, cloudflare: StandIn, run: Run) -> None:
        run()
        zones = Zones()
        zone, back = undo.plan_undo("example.test", zones)
        cloudflare.fail_next(Fault("cut_after", on="/batch"))
        for _ in range(3):
            cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
        with pytest.raises(sync.SyncError, match="whether it was undone is unknown") as error:
            undo.apply("example.test", zone, back, zones)
        assert error.value.applied is None
        assert run("--undo")[0] == 0
