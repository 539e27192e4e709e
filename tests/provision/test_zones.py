"""Changing the zones of a deploy: what the user is told while the run waits."""

from __future__ import annotations

import pytest

from provision.zones.changes import pausing


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(5, []), (30, []), (65, ["  50 s left", "  35 s left", "  20 s left"])],
)
def test_a_long_wait_tells_how_long_is_left_and_lasts_no_longer(seconds: float, told: list[str]) -> None:
    lines: list[str] = []
    slept: list[float] = []
    pausing(lines.append, slept.append)(seconds)
    assert lines == told
    assert sum(slept) == seconds
