"""`--json` prints one object on stdout, whatever happens, and says whether the zone was changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dns import sync
from tests.dns.example import DOMAIN, HOST, Run, inventory_text, values
from tests.lab.cloudflare import Fault, StandIn

OLD = {"type": "MX", "name": "@", "content": "old.test", "priority": 5}


def answered(ran: tuple[int, str, str]) -> dict[str, Any]:
    """The object of a run that failed. Its error is also the text on stderr."""
    code, out, err = ran
    assert code == 1
    said: dict[str, Any] = json.loads(out)
    assert said["error"] == err.strip()
    assert said["domain"] == "example.test"
    return said


def test_a_missing_token_is_an_error(cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    said = answered(run("--json"))
    assert "CLOUDFLARE_API_TOKEN is not set" in said["error"]
    assert said["applied"] is False


def test_an_inventory_that_is_wrong_with_every_problem(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    wrong = {**HOST, "mx_preference": -1, "workers": 0}
    inventory.write_text(inventory_text({"mx1.example.test": wrong}, {"example.test": DOMAIN}))
    said = answered(run("--json"))
    assert len(said["error"].splitlines()) == 2


def test_an_inventory_that_is_not_there(cloudflare: StandIn, run: Run, inventory: Path) -> None:
    inventory.unlink()
    assert "there is no such file" in answered(run("--json"))["error"]


def test_a_zone_that_cannot_be_read(cloudflare: StandIn, run: Run) -> None:
    for _ in range(3):
        cloudflare.fail_next(Fault("html", on="/dns_records", status=403))
    assert "is not Cloudflare's API" in answered(run("--json"))["error"]


def test_a_record_in_the_way_with_the_whole_plan(cloudflare: StandIn, run: Run) -> None:
    cloudflare.seed("example.test", OLD)
    said = answered(run("--json"))
    assert "--replace-mx old.test" in said["error"]
    assert [one["record"]["content"] for one in said["in_the_way"]] == ["old.test"]
    assert (said["applied"], len(said["add"])) == (False, 3)


def test_a_change_that_is_refused(cloudflare: StandIn, run: Run) -> None:
    cloudflare.fail_next(
        Fault("refuse", on="/batch", status=400, code=81045, message="Record quota exceeded.")
    )
    said = answered(run("--json"))
    assert "81045 Record quota exceeded" in said["error"]
    assert (said["applied"], said["in_sync"]) == (False, False)


def test_a_change_whose_outcome_is_not_known(cloudflare: StandIn, run: Run) -> None:
    def and_then_nothing(body: dict[str, Any]) -> object:
        for _ in range(3):
            cloudflare.fail_next(Fault("cut_before", on="/dns_records"))
        return {}

    cloudflare.fail_next(Fault("changed", on="/batch", change=and_then_nothing))
    said = answered(run("--json"))
    assert "whether example.test was changed is unknown" in said["error"]
    assert said["applied"] is None


def test_a_change_that_was_made_before_something_failed(cloudflare: StandIn, run: Run) -> None:
    (old,) = cloudflare.seed("example.test", {"type": "A", "name": "mx1", "content": "198.18.0.9"})

    def edited(body: dict[str, Any]) -> object:
        cloudflare.zones["example.test"].records[old["id"]] = {**old, "content": "198.18.0.10"}
        return body

    cloudflare.fail_next(Fault("changed", on="/dns_records", change=edited))
    said = answered(run("--json", "--replace-address", "198.18.0.9"))
    assert said["applied"] is True
    assert "somebody had edited these records after they were read, and they are deleted" in said["error"]


def test_an_undo_of_nothing_is_an_error(cloudflare: StandIn, run: Run) -> None:
    said = answered(run("--undo", "--json"))
    assert "no change to undo is known" in said["error"]
    assert said["applied"] is False


def test_an_undo_that_is_refused(cloudflare: StandIn, run: Run) -> None:
    run()
    cloudflare.fail_next(Fault("refuse", on="/batch", status=400, code=81045))
    said = answered(run("--undo", "--json"))
    assert (said["applied"], len(said["delete"])) == (False, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json"],
        ["example.test", "--json", "--wait", "never"],
        ["example.test", "--js", "--resolver", "127.0.0.1#99999"],
        ["example.test", "--json", "--replace-provider", "nobody"],
        ["example.test", "--json", "--dry-run", "--check"],
        ["example.test", "--json", "--nonsense"],
    ],
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        sync.main(arguments)
    out, err = capsys.readouterr()
    assert ended.value.code == 1
    assert json.loads(out)["error"] in err
    assert len(err.splitlines()) == 1


def test_what_is_not_wrong_has_no_error(cloudflare: StandIn, run: Run) -> None:
    for arguments in (["--dry-run"], [], [], ["--undo"]):
        assert "error" not in json.loads(run("--json", *arguments)[1])
    assert values(cloudflare) == set()


def test_what_is_in_the_way_has_its_fix(cloudflare: StandIn, run: Run) -> None:
    cloudflare.seed("example.test", OLD)
    (obstacle,) = json.loads(run("--json")[1])["in_the_way"]
    assert "--replace-mx old.test" in obstacle["fix"]
