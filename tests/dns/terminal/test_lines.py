"""Lines for a terminal are broken between words."""

from __future__ import annotations

import io

import pytest

from dns.terminal.lines import in_columns


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_long_line_is_broken_between_words() -> None:
    text = "  " + "word " * 30
    lines = in_columns(text.rstrip(), Terminal(), before=4)
    assert all(len(line) <= 76 for line in lines)
    assert " ".join(line.strip() for line in lines) == text.strip()
    assert lines[0].startswith("  word") and lines[1].startswith("    word")


def test_a_word_longer_than_a_line_stays_whole() -> None:
    path = "/" + "long-folder/" * 10
    assert path in in_columns(f"see {path}", Terminal())[-1]


def test_what_is_not_shown_on_a_terminal_stays_one_line() -> None:
    assert in_columns("word " * 30, io.StringIO()) == ["word " * 30]
