"""Colour is written to a terminal only, and not if NO_COLOR says so."""

from __future__ import annotations

import io

import pytest

from dns.terminal.colour import GREEN, is_coloured, is_live, painted


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "0"}, False),
        ({"NO_COLOR": ""}, True),  # no-color.org: it counts only if it is not empty
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm"}, True),
    ],
)
def test_a_terminal_is_coloured_unless_the_environment_forbids_it(
    environ: dict[str, str], coloured: bool
) -> None:
    assert is_coloured(Terminal(), environ) is coloured


def test_a_file_or_a_pipe_is_not_coloured() -> None:
    assert not is_coloured(io.StringIO(), {})


@pytest.mark.parametrize(("term", "live"), [("xterm", True), ("dumb", False)])
def test_a_dumb_terminal_gets_no_live_lines(monkeypatch: pytest.MonkeyPatch, term: str, live: bool) -> None:
    monkeypatch.setenv("TERM", term)
    assert is_live(Terminal()) is live
    assert not is_live(io.StringIO())


def test_text_is_painted_only_if_colour_is_wanted() -> None:
    assert painted("fine", GREEN, colour=True) == "\x1b[32mfine\x1b[0m"
    assert painted("fine", GREEN, colour=False) == "fine"
