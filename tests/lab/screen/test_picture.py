"""The picture of README.md shows what the programs print today."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.lab.lab import Lab
from tests.lab.screen.picture import FILE, draw, lines_in, plain, take
from tests.lab.screen.terminal import COLUMNS


def words(lines: Iterable[str]) -> set[str]:
    """All words, with `#` for those that differ from run to run: what holds a digit, a nonce, a date."""
    # A word that is longer than a line is folded: it fills the line, and nothing else is in it. Another line
    # may be full by chance, because addresses differ in their lengths.
    text = "".join(line if len(line) == COLUMNS and " " not in line else f"{line}\n" for line in lines)
    text = re.sub(r"proof-[a-z2-7]{16}", "#", text)
    text = re.sub(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} ", "# ", text)
    return {"#" if re.search(r"\d", word) else word for word in text.split()}


def test_the_picture_shows_what_is_printed_today(fresh_lab: Lab) -> None:
    today = words(plain(line) for line in take(fresh_lab))
    assert words(lines_in(FILE)) == today, "make picture"


def test_a_line_that_is_full_by_chance_is_no_folded_word() -> None:
    full, folded = f"Peer {'x' * (COLUMNS - 5)}", "y" * COLUMNS
    assert words([full, "TLS", folded, "y"]) == {"Peer", "x" * (COLUMNS - 5), "TLS", "y" * (COLUMNS + 1)}


def test_no_line_is_lost_in_the_drawing(tmp_path: Path) -> None:
    long = "word " * 30
    draw(["\x1b[1mbold\x1b[0m plain", long, "Grüße ✓"], tmp_path / "x.svg")
    drawn = lines_in(tmp_path / "x.svg")
    assert " ".join(drawn).split() == ["bold", "plain", *long.split(), "Grüße", "✓"]
    assert "@font-face" not in (tmp_path / "x.svg").read_text()
