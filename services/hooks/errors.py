"""Why a hook cannot run, and texts that fit into one line."""

from __future__ import annotations

import re

LONGEST = 200  # characters of an error in the state and in the log

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


class HookError(Exception):
    """The hook cannot run. Each of `problems` is one line for the user: the thing, the cause, and the fix."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def one_line(text: str) -> str:
    """The text on one line, without control characters, cut to LONGEST characters."""
    line = " ".join(_UNSAFE.sub(" ", text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
