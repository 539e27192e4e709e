"""Which part of the bucket is listed when. New mail is seen within seconds, and listing stays cheap. Pure.

A key begins with the hour in which a message was put (UTC). So the present hour is listed each time, and the
last one too while a message may still come into it. Every five minutes the hours around are listed: the
clocks of hosts may differ, and a message that could not be placed is tried again. Once a day all is listed.
"""

from __future__ import annotations

import time

HOUR, DAY = 3600, 86_400  # seconds
BACK = 3 * HOUR
EVERYTHING = ("",)
_LATE = 120  # seconds into an hour in which a message may still be put into the last one
_WIDE, _WIDE_AGAIN = 300, 60  # seconds between two wide looks, and after one that left something behind
_EVERYTHING_AGAIN = 600  # seconds after a look at everything that left something behind
_EACH = 10  # seconds from a look that left something behind for each list that it took, because each costs
_MOST_DAYS = 40  # After so many, one look at everything is no more than looking at each day.


class Window:
    """The looks of one process. Times are in seconds since 1970."""

    def __init__(self) -> None:
        self._since = 0.0  # All that was put before this was seen.
        self._everything_at = self._wide_at = -1.0
        self._is_everything = self._is_wide = False

    def prefixes(self, now: float) -> tuple[str, ...]:
        """What to list now."""
        self._is_everything = not self._everything_at <= now < self._everything_at + DAY
        self._is_wide = self._is_everything or not self._wide_at <= now < self._wide_at + _WIDE
        if self._is_everything:
            return EVERYTHING
        if self._is_wide:
            return hours(self._since - BACK, now + HOUR)
        return hours(now - _LATE, now)

    def done(self, began: float, *, is_whole: bool, lists: int = 0) -> bool:
        """The last look, which began then, has ended. `is_whole` says whether it left nothing behind.

        `lists` is how many it took. What a mailbox that is full leaves behind for weeks must not make a large
        bucket be listed all the time. Returns whether all that was put until then has been seen and is here.
        """
        if self._is_everything:
            again = min(DAY, max(_EVERYTHING_AGAIN, _EACH * lists))
            self._everything_at = began if is_whole else began - DAY + again
        if self._is_wide:
            self._since = began if is_whole or self._is_everything else self._since
            again = min(HOUR, max(_WIDE_AGAIN, _EACH * lists))
            self._wide_at = began if is_whole else began - _WIDE + again
        elif not is_whole:
            self._wide_at = min(self._wide_at, began - _WIDE + _WIDE_AGAIN)
        return self._is_wide and is_whole


def hours(first: float, last: float) -> tuple[str, ...]:
    """The prefixes of the hours from one time to another. A day that is whole has one."""
    if last - first > _MOST_DAYS * DAY:
        return EVERYTHING
    found = []
    at = int(first) // HOUR * HOUR
    while at <= last:
        is_day = at % DAY == 0 and at + DAY - HOUR <= last
        found.append(time.strftime("%Y-%m-%d/" if is_day else "%Y-%m-%d/%H/", time.gmtime(at)))
        at += DAY if is_day else HOUR
    return tuple(found)
