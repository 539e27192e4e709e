"""When a connection's time is up: one timer of the loop for many deadlines."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls `time_is_up` once a deadline has passed. Nearly every command sets a later one.

    `soonest` is the shortest time, in seconds, that deadlines are usually set to. The timer runs no longer
    than that, and is left alone when a new deadline is set: it looks at the deadline when it goes off.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, soonest: float, time_is_up: Callable[[], object]
    ) -> None:
        self._loop, self._soonest, self._time_is_up = loop, soonest, time_is_up
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._stopped = False

    def set(self, seconds: float) -> None:
        """Replace the deadline: `time_is_up` is called after that many seconds."""
        if self._stopped:
            return
        now = self._loop.time()
        self._deadline = now + seconds
        if self._timer_at > self._deadline:
            if self._timer:
                self._timer.cancel()
            self._timer_at = now + min(seconds, self._soonest)
            self._timer = self._loop.call_at(self._timer_at, self._look)

    def stop(self) -> None:
        """For good: a timer would keep what has ended."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _look(self) -> None:
        self._timer, self._timer_at = None, math.inf
        left = self._deadline - self._loop.time()
        if left > 0:
            self.set(left)
        else:
            self._time_is_up()
