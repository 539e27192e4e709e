"""A change is sent once. Its outcome is known or reported as unknown, and others' changes are not lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dns import sync
from dns.cloudflare.zones import Zones
from dns.inventory import load
from dns.plan import Replacing
from dns.sync.change import WRITE_ATTEMPTS
from tests.dns.example import DOMAIN, HOST, WANTED, Run, inventory_text, only_line, values
from tests.lab.cloudflare import Fault, StandIn


class TestInterruptedWrites:
    """The batch is sent once. If its outcome is unknown, the zone is read, and nothing is sent again."""

    @pytest.mark.parametrize("kind", ["cut_after", "cut_during"])
    def test_a_change_whose_answer_was_lost_is_found_in_the_zone(
        self, cloudflare: StandIn, run: Run, kind: str
    ) -> None:
        cloudflare.fail_next(Fault(kind, on="/batch"))  # type: ignore[arg-type]
        assert run()[0] == 0
        assert values(cloudflare) == WANTED
        assert [r.method for r in cloudflare.requests] == ["GET", "GET", "POST", "GET"]

    @pytest.mark.parametrize(
        "fault", [Fault("cut_before", on="/batch"), Fault("html", on="/batch", status=502)]
    )
    def test_a_change_that_was_not_made_is_reported_and_not_repeated(
        self, cloudflare: StandIn, run: Run, fault: Fault
    ) -> None:
        cloudflare.fail_next(fault)
        assert "nothing was changed: run again" in only_line(run())
        assert [r.method for r in cloudflare.requests].count("POST") == 1
        assert run()[0] == 0

    def test_an_answer_that_does_not_come_is_settled_by_reading(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        cloudflare.fail_next(Fault("stall", on="/batch"))
        prepared = sync.prepare(load(inventory), "example.test", {})
        zones = Zones(timeout=5)  # for every answer, and what is read afterwards is asked for three times
        with pytest.raises(sync.SyncError, match=r"did not answer in time.*nothing was changed"):
            sync.apply(prepared, zones=zones)

    def test_a_success_that_confirms_nothing_is_settled_by_reading(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        (old,) = cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "198.18.0.9"})
        cloudflare.fail_next(Fault("hollow", on="/batch"))
        assert run("--replace-address", old["content"])[0] == 0
        assert values(cloudflare) == WANTED
        assert [r.method for r in cloudflare.requests] == ["GET", "GET", "POST", "GET"]

    def test_a_success_that_confirms_nothing_and_did_nothing_is_a_failure(
        self, cloudflare: StandIn, run: Run
    ) -> None:
        (old,) = cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "198.18.0.9"})
        cloudflare.fail_next(Fault("unmade", on="/batch", change=lambda body: {**body, "result": {}}))
        line = only_line(run("--replace-address", old["content"]))
        assert "example.test MX 10 mx1.example.test: Cloudflare did not confirm it" in line
        assert "did not confirm every deletion" in line
        assert "read again: nothing was changed" in line

    def test_what_cannot_be_settled_is_reported_as_unknown(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        cloudflare.fail_next(Fault("cut_after", on="/batch"))
        for _ in range(3):
            cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
        with pytest.raises(sync.SyncError, match="was changed is unknown"):
            sync.apply(prepared)

    def test_a_zone_that_changed_in_between_is_left_alone(self, cloudflare: StandIn, inventory: Path) -> None:
        prepared = sync.prepare(load(inventory), "example.test", {})
        cloudflare.seed("example.test", {"type": "CNAME", "name": "mx1", "content": "else.test"})
        before = cloudflare.records("example.test")
        with pytest.raises(sync.SyncError, match="is in the way"):
            sync.apply(prepared)
        assert cloudflare.records("example.test") == before

    def test_a_run_after_another_that_made_a_part_makes_the_rest(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        slow = sync.prepare(load(inventory), "example.test", {})
        mx = {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10}
        cloudflare.seed("example.test", mx)
        sync.apply(slow)
        assert values(cloudflare) == WANTED
        assert [r.method for r in cloudflare.requests] == ["GET", "GET", "POST", "GET", "POST"]

    def test_a_run_after_another_that_put_something_in_the_way_is_refused(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        slow = sync.prepare(load(inventory), "example.test", {})
        mx = {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10}
        cloudflare.seed("example.test", mx, {**mx, "content": "old.test"})
        with pytest.raises(sync.SyncError, match=r"--replace-mx old\.test"):
            sync.apply(slow)
        assert len(cloudflare.records("example.test")) == 2

    def test_a_run_that_is_refused_each_time_because_another_came_first_ends(
        self, cloudflare: StandIn, inventory: Path
    ) -> None:
        for _ in range(10):
            cloudflare.fail_next(Fault("refuse", "/batch", 400, 81058, "An identical record already exists."))
        with pytest.raises(sync.SyncError, match=r"81058.*nothing was changed"):
            sync.apply(sync.prepare(load(inventory), "example.test", {}))
        assert [r.method for r in cloudflare.requests].count("POST") == WRITE_ATTEMPTS

    @pytest.mark.parametrize(
        "change",
        [
            lambda body: {**body, "result": None},
            lambda body: {**body, "result": []},
            lambda body: {**body, "result": {"posts": None}},
            lambda body: {**body, "result": {"posts": [None, 7, {}, "x"]}},
            lambda body: {**body, "result": {**body["result"], "posts": body["result"]["posts"][:1]}},
            lambda body: {**body, "success": False},
            lambda body: [],
            lambda body: None,
        ],
    )
    def test_an_answer_that_does_not_say_what_was_made_is_settled_by_reading(
        self, cloudflare: StandIn, run: Run, change: Callable[[dict[str, Any]], object]
    ) -> None:
        cloudflare.fail_next(Fault("changed", on="/batch", change=change))
        assert run()[0] == 0
        assert values(cloudflare) == WANTED
        assert [r.method for r in cloudflare.requests] == ["GET", "GET", "POST", "GET"]

    def test_another_run_that_came_first_is_no_failure(self, cloudflare: StandIn, inventory: Path) -> None:
        slow = sync.prepare(load(inventory), "example.test", {})
        sync.apply(sync.prepare(load(inventory), "example.test", {}))
        sync.apply(slow)
        assert values(cloudflare) == WANTED


@pytest.mark.parametrize(
    ("on", "said", "applied"),
    [
        ("/dns_records", "interrupted, nothing was changed", False),
        ("/batch", "interrupted, it is unknown whether the zone was changed", None),
    ],
)
def test_an_interrupted_run_says_whether_the_zone_was_changed(
    cloudflare: StandIn, run: Run, on: str, said: str, applied: bool | None
) -> None:
    def interrupt(body: dict[str, Any]) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return body

    cloudflare.fail_next(Fault("changed", on=on, change=interrupt))
    code, out, err = run("--json")
    assert code == 1
    assert err.startswith(said)
    assert (json.loads(out)["applied"], json.loads(out)["error"]) == (applied, err.strip())


class TestEditedInBetween:
    """What somebody edits between our reading and our writing is reported, and can be put back."""

    @pytest.mark.parametrize(
        ("edit", "said"),
        [
            ({"content": "198.18.0.10"}, "content 198.18.0.9 -> 198.18.0.10"),
            ({"ttl": 600}, "ttl 1 -> 600"),
            ({"comment": "keep this"}, "comment None -> keep this"),
            ({"proxied": True}, "proxied False -> True"),
        ],
    )
    def test_an_edited_record_that_is_deleted_is_reported_and_put_back_with_the_edit(
        self, cloudflare: StandIn, run: Run, inventory: Path, edit: dict[str, Any], said: str
    ) -> None:
        (old,) = cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "198.18.0.9"})
        replacing = Replacing(address=frozenset({"198.18.0.9"}))
        prepared = sync.prepare(load(inventory), "example.test", {}, replacing=replacing)
        cloudflare.zones["example.test"].records[old["id"]] = {**old, **edit}
        with pytest.raises(sync.SyncError) as error:
            sync.apply(prepared)
        start = "example.test: changed, but somebody had edited these records after they were read, and they"
        assert str(error.value).startswith(start)
        assert said in str(error.value)
        assert error.value.applied is True
        assert values(cloudflare) == WANTED
        assert run("--undo")[0] == 0
        (after,) = cloudflare.records("example.test")
        assert {key: after[key] for key in edit} == edit

    def test_an_edit_of_a_record_that_is_changed_in_place_is_not_lost(
        self, cloudflare: StandIn, run: Run, inventory: Path
    ) -> None:
        run()
        inventory.write_text(
            inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "ttl": 600}})
        )
        prepared = sync.prepare(load(inventory), "example.test", {})
        records = cloudflare.zones["example.test"].records
        (old,) = [record for record in records.values() if record["type"] == "A"]
        records[old["id"]] = {**old, "content": "198.18.0.10"}
        with pytest.raises(sync.SyncError, match=r"mx1\.example\.test A .*did not confirm it.*changed, but"):
            sync.apply(prepared)
        (held,) = [one for one in cloudflare.records("example.test") if one["type"] == "A"]
        assert (held["content"], held["ttl"]) == ("198.18.0.10", 600)

    def test_what_nobody_edited_is_not_reported(self, cloudflare: StandIn, run: Run) -> None:
        cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "198.18.0.9"})
        code, _, err = run("--replace-address", "198.18.0.9")
        assert (code, err) == (0, "")
