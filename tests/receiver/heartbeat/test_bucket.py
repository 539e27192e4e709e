"""The backlog of the bucket in the heartbeat: old is not well, and what cannot be read is not well either."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.heartbeat.bucket import waiting

NOW = 1_795_700_000.0


@pytest.mark.parametrize(
    ("ages", "well", "words"),
    [
        ((), True, "no message waits"),
        ((30.0,), True, "1 message waits"),
        ((30.0, 890.0), True, "2 messages wait, the oldest for 15 min"),
        ((30.0, 7200.0), False, "2 messages wait, the oldest for 2 h"),
    ],
)
def test_a_backlog_that_grows_old_is_not_well(
    tmp_path: Path, ages: tuple[float, ...], well: bool, words: str
) -> None:
    (tmp_path / ".bucket" / "pending").mkdir(parents=True)
    for age in ages:
        (tmp_path / ".bucket" / "pending" / f"{NOW - age:.0f}.M1P2.mx1.0123abcd").touch()
    found = waiting(tmp_path, NOW)
    assert (found.well, found.words) == (well, words)


def test_a_queue_that_cannot_be_read_is_not_well(tmp_path: Path) -> None:
    found = waiting(tmp_path, NOW)
    assert found.well is None and "No such file" in found.words
