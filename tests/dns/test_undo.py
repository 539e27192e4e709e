"""``--undo`` puts back what the last run changed, and only that."""

import json
from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from tests.dns.conftest import TOKEN, Run, values
from tests.dns.test_sync import WANTED
from tests.lab.cloudflare import Fault, StandIn

OLD = {"type": "MX", "name": "@", "content": "old.test", "priority": 5, "comment": "Bob's", "ttl": 600}


def test_undo_puts_back_what_was_replaced_in_three_requests(cloudflare: StandIn, run: Run) -> None:
    (before,) = cloudflare.seed("example.test", OLD)
    assert run("--replace-mx", "old.test")[0] == 0
    cloudflare.requests.clear()
    assert run("--undo")[0] == 0
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


def test_nothing_is_sent_where_the_change_cannot_be_kept(
    cloudflare: StandIn, inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(sync.SyncError, match="set XDG_STATE_HOME"):
        sync.apply(sync.prepare(load(inventory), "example.test", {}))
    assert values(cloudflare) == set()
