"""The deadline of a connection: one timer of the loop for many deadlines in turn."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Deadline:
    """Calls `time_is_up` once the deadline has passed.

    Nearly every command sets a new, later deadline. So a new deadline leaves the timer alone: the timer looks
    at the deadline when it goes off. `shortest` is the shortest time, in seconds, to which deadlines are
    usually set. The timer never runs longer than that.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, shortest: float, time_is_up: Callable[[], object]
    ) -> None:
        self._loop, self._shortest, self._time_is_up = loop, shortest, time_is_up
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._stopped = False

    def set(self, seconds: float) -> None:
        """Replace the deadline by one in `seconds` seconds."""
        if self._stopped:
            return
        now = self._loop.time()
        self._deadline = now + seconds
        if self._timer_at > self._deadline:
            if self._timer:
                self._timer.cancel()
            self._timer_at = now + min(seconds, self._shortest)
            self._timer = self._loop.call_at(self._timer_at, self._timer_fired)

    def stop(self) -> None:
        """Stop for good. A timer that runs would keep the ended connection in memory."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _timer_fired(self) -> None:
        self._timer, self._timer_at = None, math.inf
        left = self._deadline - self._loop.time()
        if left > 0:
            self.set(left)
        else:
            self._time_is_up()
