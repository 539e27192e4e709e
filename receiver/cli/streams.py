"""Standard output that cannot fail on a character, whatever encoding the terminal or the pipe has."""

from __future__ import annotations

import codecs
import sys

# The marks that we print ourselves, each with one character that every encoding has.
_MARKS = {"✓": "+", "✗": "x", "→": ">", "…": "~", "·": "."}
_ERRORS = "letterbox.marks"


def show_all_characters() -> None:
    """Let stdout and stderr replace what their encoding lacks: our marks by others, the rest by `?`."""
    codecs.register_error(_ERRORS, _replaced)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors=_ERRORS)  # type: ignore[union-attr]


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_MARKS.get(character, "?") for character in lacking), error.end
