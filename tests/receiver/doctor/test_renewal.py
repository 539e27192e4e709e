"""The unit that renews the certificate, as the doctor judges it by what its last run has left."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver.doctor.services.renewal import judge

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AGAIN = "systemctl start letterbox-certificate.service"


def kept(folder: Path, **values: object) -> Path:
    state = {
        "outcome": "renewed: valid until 2027-02-24 06:21 UTC",
        "succeeded": True,
        "at": (NOW - timedelta(hours=6)).isoformat(),
        "next_due": "2027-01-25T06:21:42+00:00",
    }
    path = folder / "state.json"
    path.write_text(json.dumps(state | values))
    return path


def test_a_run_that_did_what_was_due_holds_and_says_what_comes_next(tmp_path: Path) -> None:
    link = judge(kept(tmp_path), NOW)
    assert link.holds is True
    assert link.evidence == (
        "2026-11-26 06:00 UTC: renewed: valid until 2027-02-24 06:21 UTC; next due at 2027-01-25 06:21 UTC"
    )


def test_a_run_that_failed_is_broken_with_its_own_words(tmp_path: Path) -> None:
    link = judge(kept(tmp_path, succeeded=False, outcome="the CA refused (caa: no): allow this CA"), NOW)
    assert link.evidence == "the run of 2026-11-26 06:00 UTC failed: the CA refused (caa: no): allow this CA"
    assert link.fix == f"{AGAIN}; see journalctl -u letterbox-certificate.service"


def test_a_timer_that_has_started_nothing_for_a_day_is_broken(tmp_path: Path) -> None:
    for hours, holds in ((24, True), (25, False)):
        assert judge(kept(tmp_path, at=(NOW - timedelta(hours=hours)).isoformat()), NOW).holds is holds


def test_a_unit_that_never_ran_is_broken(tmp_path: Path) -> None:
    assert judge(tmp_path / "state.json", NOW).evidence == "it has not run yet"


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "{}", '{"at": 5}', '{"at": "2026-11-26T06:00:00", "outcome": 1}', "\0"]
)
def test_a_state_that_cannot_be_read_does_not_count_as_good(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    link = judge(tmp_path / "state.json", NOW)
    assert (link.holds, link.fix) == (False, AGAIN)
