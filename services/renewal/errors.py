"""Why a run could not get a certificate, and how it tells its steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Report = Callable[[str], None]  # gets each step of a run, in words


class RenewalError(Exception):
    """No certificate was got. `str` is one line for the user: the thing, the cause, and the fix.

    `again` says that a second order in the same run may succeed. `retry_after` is when the authority asked to
    come back, if it did. `is_wrong` says that what was asked for is wrong, so that time alone mends nothing.
    """

    def __init__(
        self, text: str, *, again: bool = False, retry_after: datetime | None = None, is_wrong: bool = False
    ) -> None:
        super().__init__(" ".join(text.split()))
        self.again = again
        self.retry_after = retry_after
        self.is_wrong = is_wrong
