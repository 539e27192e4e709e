"""Text on a terminal: strangers' text made harmless, columns, colour, and a line that is replaced.

No escape sequence, no other control character and no character that changes the direction of writing reaches
the terminal. Each is replaced by a visible character. Widths are in cells (Unicode Standard Annex 11).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

# C0 controls, DEL and C1 controls; Unicode's format characters, without the joiners that scripts and emoji
# need; line and paragraph separators; lone surrogates; tag characters, which can hide text.
_UNSAFE = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_MARK = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"({_MARK}{{4}}){_MARK}+")
BOLD, GREEN, RED, YELLOW = "1", "32", "31", "33"  # codes of Select Graphic Rendition (ECMA-48)


def plain(text: str) -> str:
    """The text on one line. White space becomes one space, and unsafe characters become visible ones."""
    return _UNSAFE.sub(_visible, " ".join(text.split()))


def plain_lines(text: str) -> str:
    """The text with its line ends kept, its tabs expanded, and its unsafe characters made visible."""
    lines = text.replace("\r\n", "\n").expandtabs(8).split("\n")
    return "\n".join(_UNSAFE.sub(_visible, line) for line in lines)


def _visible(match: re.Match[str]) -> str:
    """A visible character in place of an unsafe one: its control picture (U+2400 on) or U+FFFD."""
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def width(text: str) -> int:
    """The number of cells that the text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200c\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """The text in exactly `cells` cells: padded, or cut with an ellipsis. `right` pads on the left."""
    text = _MARKS.sub(r"\1", text[: cells * 8])
    if width(text) > cells:
        kept, used = [], 0
        for character in text:
            used += _cells(character)
            if used > cells - 1:
                break
            kept.append(character)
        text = "".join(kept) + "…"
    padding = " " * (cells - width(text))
    return padding + text if right else text + padding


def size(octets: int) -> str:
    """A number of octets for people: 950 B, 1.2 kB, 25 MB."""
    if octets < 1000:
        return f"{octets} B"
    number, unit = octets / 1000, "kB"
    for larger in ("MB", "GB"):
        if number >= 999.5:
            number, unit = number / 1000, larger
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"


class Screen:
    """The output of a command. It uses colour and live lines only on a terminal, and obeys NO_COLOR."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = sys.stdout if out is None else out
        self.is_terminal = self.out.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = self.is_terminal and not os.environ.get("NO_COLOR")
        self._live = False

    @property
    def shows_blocks(self) -> bool:
        """Whether the terminal can show coloured block characters, as the QR code of `first_mail` needs."""
        return self._coloured and self.shows_unicode

    @property
    def shows_unicode(self) -> bool:
        """Whether the output takes characters beyond ASCII as UTF-8."""
        return (self.out.encoding or "").lower().replace("-", "") == "utf8"

    @property
    def columns(self) -> int:
        return max(40, shutil.get_terminal_size((120, 24)).columns) if self.is_terminal else 160

    def styled(self, text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._coloured and codes else text

    def line(self, text: str = "") -> None:
        """Write a line that stays. It replaces a live line."""
        self.out.write(("\r\x1b[K" if self._live else "") + text + "\n")
        self._live = False
        self.out.flush()

    def hanging(self, before: str, cells: int, text: str, *codes: str) -> None:
        """Write `before`, which takes `cells` cells, and the text, in the style of the codes, beside it.

        On a terminal the text is broken between words, and never reaches below `before`. A word that is
        longer than a line stays whole, so that it can be copied.
        """
        lines = [text]
        if self.is_terminal:
            room = max(20, self.columns - cells)
            lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            self.line((before if number == 0 else " " * cells) + self.styled(line, *codes))

    def live(self, text: str) -> None:
        """Write a line that the next line replaces. Does nothing if the output is no terminal."""
        if self.is_terminal:
            self.out.write("\r\x1b[K" + fit(text, self.columns - 1).rstrip())
            self.out.flush()
            self._live = True


def table(
    screen: Screen,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    flexible: Sequence[int],
    right: int,
    styles: Mapping[int, Callable[[str], Sequence[str]]],
) -> None:
    """Write rows of plain texts in columns, under bold heads.

    The columns whose indexes are in `flexible` share the width that the others leave. The column with the
    index `right` is aligned to the right. `styles` has, for the index of a column, what gives the codes for
    a text in it.
    """
    fixed = [max(width(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    left = screen.columns - 2 * (len(heads) - 1) - sum(w for at, w in enumerate(fixed) if at not in flexible)
    widths = list(fixed)
    for done, at in enumerate(sorted(flexible, key=lambda at: fixed[at])):
        widths[at] = max(8, min(fixed[at], left // (len(flexible) - done)))
        left -= widths[at]
    for number, row in enumerate((heads, *rows)):
        cells = [fit(text, widths[at], right=at == right) for at, text in enumerate(row)]
        cells[-1] = cells[-1].rstrip()
        if number == 0:
            screen.line(screen.styled("  ".join(cells), BOLD))
            continue
        for at, codes_of in styles.items():
            cells[at] = cells[at].replace(row[at], screen.styled(row[at], *codes_of(row[at])), 1)
        screen.line("  ".join(cells))
