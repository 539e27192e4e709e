"""Changing the zones of a deploy: what the user is told while the run waits."""

from __future__ import annotations

import pytest

from provision.zones.changes import Waiting


def told_in(*pauses: float) -> list[str]:
    """What is told while these waits follow each other. They must last no longer than they should."""
    lines: list[str] = []
    slept: list[float] = []
    waiting = Waiting(lines.append, slept.append)
    for seconds in pauses:
        waiting.pause(seconds)
    assert sum(slept) == sum(pauses)
    return lines


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(5, []), (30, []), (65, ["  50 s left", "  35 s left", "  20 s left"])],
)
def test_a_long_wait_tells_how_long_is_left(seconds: float, told: list[str]) -> None:
    assert told_in(seconds) == told


def test_short_waits_that_follow_each_other_tell_how_long_it_takes() -> None:
    assert told_in(*[5.0] * 7) == ["  15 s so far", "  30 s so far"]


def test_what_is_told_begins_another_wait() -> None:
    lines: list[str] = []
    waiting = Waiting(lines.append, lambda seconds: None)
    for _ in range(2):
        waiting.pause(10)
        waiting.tell("next")
    assert lines == ["next", "next"]
