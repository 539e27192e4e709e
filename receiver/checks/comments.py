"""Comments in structured header fields (RFC 5322 section 3.2.2). They may be nested. Pure."""

from __future__ import annotations

import re

_MARK = re.compile(r"[()]|\\.", re.DOTALL)


def end_of_comment(text: str, start: int) -> int:
    """Where the comment ends that starts there, or 0 if it does not end."""
    depth = 0
    for found in _MARK.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return 0
