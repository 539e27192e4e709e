"""Colour on a terminal. The only place that decides about it, and that knows NO_COLOR (https://no-color.org).

rich would do this too, but it takes 70 ms to import. It is used only for live progress, and obeys NO_COLOR
itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

BOLD, FAINT = 1, 2
RED, GREEN, YELLOW, MAGENTA, CYAN = 31, 32, 33, 35, 36


def is_live(stream: TextIO) -> bool:
    """Whether the stream is a terminal on which lines can be overwritten."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_coloured(stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to write colours to the stream, which is stdout by default."""
    out = sys.stdout if stream is None else stream
    return out.isatty() and environ.get("TERM") != "dumb" and not environ.get("NO_COLOR")


def painted(text: str, code: int, *, colour: bool) -> str:
    """Return the text in the colour or style of this code (ECMA-48, SGR), or as it is if not `colour`."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
