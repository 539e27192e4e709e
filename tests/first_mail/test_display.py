"""The one-time address as a person sees it: the link, and the code that a phone reads."""

from __future__ import annotations

import io
import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from first_mail.display import DisplayWithCode, qr_code
from receiver.cli.terminal import Screen

LINK = "mailto:proof-abcdefghij234567@example.com?subject=Letterbox%20proof"
ADDRESS = "proof-abcdefghij234567@example.com"
MARGIN = 4  # modules
BLOCKS = {" ": (True, True), "▀": (False, True), "▄": (True, False), "█": (False, False)}
MASKS = (
    lambda row, column: (row + column) % 2 == 0,
    lambda row, column: row % 2 == 0,
    lambda row, column: column % 3 == 0,
    lambda row, column: (row + column) % 3 == 0,
    lambda row, column: (row // 2 + column // 3) % 2 == 0,
    lambda row, column: row * column % 2 + row * column % 3 == 0,
    lambda row, column: (row * column % 2 + row * column % 3) % 2 == 0,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2 == 0,
)


def modules(lines: list[str]) -> list[list[bool]]:
    """The dark modules of a drawn code, without its margin, which must be light."""
    rows = [[BLOCKS[each][half] for each in line] for line in lines for half in (0, 1)]
    size = len(rows[0])
    rows = rows[:size]
    margin = [*rows[:MARGIN], *rows[-MARGIN:], *([*row[:MARGIN], *row[-MARGIN:]] for row in rows)]
    assert not any(any(row) for row in margin)
    return [row[MARGIN:-MARGIN] for row in rows[MARGIN:-MARGIN]]


def text_of(grid: list[list[bool]]) -> str:
    """What a code of version 1 to 5 and level L says (ISO/IEC 18004), read as a phone does."""
    size = len(grid)
    version = (size - 17) // 4
    assert 1 <= version <= 5 and size == 17 + 4 * version
    places = [(8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)]
    places += [(row, 8) for row in (7, 5, 4, 3, 2, 1, 0)]
    form = int("".join(str(int(grid[row][column])) for row, column in places), 2) ^ 0x5412
    assert form >> 13 == 0b01, "level L"
    mask = MASKS[form >> 10 & 7]
    bits = "".join(
        str(int(grid[row][column] != mask(row, column)))
        for row, column in path(size)
        if not is_function(row, column, size)
    )
    assert bits[:4] == "0100", "octets"
    length = int(bits[4:12], 2)
    return bytes(int(bits[at : at + 8], 2) for at in range(12, 12 + 8 * length, 8)).decode()


def is_function(row: int, column: int, size: int) -> bool:
    """Whether a module is part of a finder, the timing, the alignment or the format."""
    finder = (row < 9 and (column < 9 or column >= size - 8)) or (row >= size - 8 and column < 9)
    centre = size - 7
    alignment = size > 21 and abs(row - centre) <= 2 and abs(column - centre) <= 2
    return finder or alignment or row == 6 or column == 6


def path(size: int) -> Iterator[tuple[int, int]]:
    """All modules in the order of the data: pairs of columns from the right, up and down by turns."""
    upwards = True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for row in range(size - 1, -1, -1) if upwards else range(size):
            yield row, right
            yield row, right - 1
        upwards = not upwards


@contextmanager
def on_a_terminal() -> Iterator[tuple[Screen, list[bytes]]]:
    """A screen that is a terminal. Afterwards the list has the octets that it got."""
    shown: list[bytes] = []
    ours, theirs = pty.openpty()

    def read() -> None:
        with suppress(OSError):  # EIO: the program has closed its end
            while octets := os.read(ours, 65_536):
                shown.append(octets)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(theirs, "w", encoding="utf-8") as out:
        yield Screen(out), shown
    reader.join()
    os.close(ours)


@pytest.mark.parametrize("length", [17, 32, 53, 78, 106])
def test_the_code_that_is_drawn_says_the_link(length: int) -> None:
    text = (LINK * 2)[:length]
    assert text_of(modules(qr_code(text))) == text


def test_a_code_with_a_module_changed_is_not_read_as_the_link() -> None:
    grid = modules(qr_code(LINK))
    grid[-1][-5] = not grid[-1][-5]
    assert text_of(grid) != LINK


def test_lines_of_a_code_are_equally_long_and_half_as_many() -> None:
    lines = qr_code(LINK)
    assert {len(line) for line in lines} == {33 + 2 * MARGIN}
    assert len(lines) == (33 + 2 * MARGIN + 1) // 2


def test_if_no_blocks_can_be_shown_there_is_only_the_link() -> None:
    out = io.StringIO()
    DisplayWithCode(Screen(out)).address(ADDRESS)
    assert out.getvalue().splitlines()[1:] == [f"  {ADDRESS}", f"  {LINK}"]


def test_on_a_terminal_the_code_is_dark_on_light_in_any_theme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with on_a_terminal() as (screen, shown):
        DisplayWithCode(screen).address(ADDRESS)
    lines = b"".join(shown).decode().splitlines()[3:]
    assert all(line.startswith("\x1b[97;40m") and line.endswith("\x1b[0m") for line in lines)
    drawn = [line.removeprefix("\x1b[97;40m").removesuffix("\x1b[0m") for line in lines]
    assert text_of(modules(drawn)) == LINK
