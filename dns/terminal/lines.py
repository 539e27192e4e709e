"""Lines for a terminal: broken between words, because a terminal breaks a long line in the middle of one."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TextIO


def in_columns(text: str, stream: TextIO | None = None, *, before: int = 0) -> list[str]:
    """The text in lines that the terminal can hold, or as one line if the stream (stdout) is no terminal.

    `before` is the number of cells that something else writes before each line. What follows the first line
    is indented by two cells more. A word that is longer than a line, such as an address, stays whole.
    """
    out = sys.stdout if stream is None else stream
    if not out.isatty():
        return [text]
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    width = max(40, shutil.get_terminal_size((80, 24)).columns - before)
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [text]
