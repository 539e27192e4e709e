"""The heartbeat, as the doctor judges it by what its last run has left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from receiver.doctor.services.heartbeat import judge
from services.heartbeat import state

NOW = 1_795_694_400.0  # 2026-11-26 12:00 UTC


def kept(folder: Path, **values: object) -> Path:
    path = folder / "state.json"
    state.save(path, state.State(at=NOW - 60, well=True, reason="ok disk: 9 GB free", pinged=NOW - 60))
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return path


def test_a_run_that_told_the_switch_holds(tmp_path: Path) -> None:
    link = judge(kept(tmp_path), NOW)
    assert (link.holds, link.evidence) == (True, "last ping 2026-11-26 11:59 UTC; ok disk: 9 GB free")


@pytest.mark.parametrize(
    ("values", "evidence"),
    [
        (
            {"well": False, "reason": "NOT WELL disk: full"},
            "the run of 2026-11-26 11:59 UTC found: NOT WELL disk",
        ),
        (
            {"ping_error": "it answers HTTP 500"},
            "could not tell the switch: it answers HTTP 500; last ping 2026-",
        ),
        ({"at": NOW - 3600.0}, "the last run was at 2026-11-26 11:00 UTC; last ping 2026-"),
        ({"at": NOW + 3600.0}, "the last run was at 2026-11-26 13:00 UTC"),
        ({"well": False, "reason": "x", "pinged": 0.0}, "no ping yet"),
        ({"at": "soon"}, "cannot be read"),
        ({"at": 1e300}, "cannot be read"),
    ],
)
def test_what_is_not_known_to_be_well_is_broken(
    tmp_path: Path, values: dict[str, object], evidence: str
) -> None:
    link = judge(kept(tmp_path, **values), NOW)
    assert (link.holds, evidence in link.evidence) == (False, True), link
    assert "systemctl start letterbox-heartbeat.service" in link.fix


def test_one_that_never_ran_is_broken(tmp_path: Path) -> None:
    assert judge(tmp_path / "state.json", NOW).evidence == "it has not run yet"
