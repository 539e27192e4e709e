"""Standard output that cannot fail on a character, whatever encoding the terminal or the pipe has."""

from __future__ import annotations

import io
import sys


def show_all_characters() -> None:
    """Let stdout and stderr write `?` for what their encoding lacks, as a name beyond ASCII may."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
