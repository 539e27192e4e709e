"""Waiting at a rate limit: a terminal shows a countdown, and anything else shows nothing."""

from __future__ import annotations

import io

from dns.terminal.countdown import count_down


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_seconds_that_are_left_are_shown_and_then_wiped_away() -> None:
    out, slept = Terminal(), list[float]()
    count_down(3.5, stream=out, sleep=slept.append)
    assert slept == [0.5, 1.0, 1.0, 1.0]
    assert [part.strip(" \x1b[K") for part in out.getvalue().split("\r")] == [
        "",
        "3 s left",
        "2 s left",
        "1 s left",
        "",
    ]


def test_without_a_terminal_or_for_a_moment_nothing_is_shown() -> None:
    plain, terminal, slept = io.StringIO(), Terminal(), list[float]()
    count_down(3.5, stream=plain, sleep=slept.append)
    count_down(0.1, stream=terminal, sleep=slept.append)
    assert (slept, plain.getvalue(), terminal.getvalue()) == ([3.5, 0.1], "", "")
