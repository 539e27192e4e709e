"""Errors in the code of the checks, or in libraries that it needs. Mail must go on in spite of them."""

from __future__ import annotations

import re
import time
from pathlib import Path
from traceback import extract_tb

from receiver.system import journal

_PAUSE = 60.0  # seconds in which the same error is logged once
_RESULTS = re.compile(rb"(?im)^[a-z-]*authentication-results[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*")


class Faults:
    """Logs errors, each place in the code at most once a minute."""

    def __init__(self) -> None:
        self._logged: dict[tuple[str, str], float] = {}

    def log(self, check: str, error: Exception) -> None:
        """Log that a check failed with this error. The line has no text that may come from a stranger."""
        last = extract_tb(error.__traceback__)[-1:]
        where = f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "unknown"
        now = time.monotonic()
        if now - self._logged.get((check, where), -_PAUSE) < _PAUSE:
            return
        self._logged[check, where] = now
        kind = type(error).__name__
        # A library that cannot be loaded names its file, and no message has been read for that.
        text = f"{kind}: {error}" if isinstance(error, ImportError) else kind
        journal.log("error", check=check, error=text, at=where, note="it counts as temperror, mail goes on")


def without_results(head: bytes) -> tuple[bytes, int]:
    """A header section without any results, whoever wrote them, and their number.

    This replaces `forged.without_forged` if that fails, because a forged result must not be stored.
    """
    return _RESULTS.subn(b"", head)
