"""How long to wait for an answer. Pure.

A resolver whose nameservers are silent would cost each sender the whole patience. So after a few time-outs
without any answer between them, a question gets a second only, until one is answered.
"""

from __future__ import annotations

from collections import deque

TIME_OUTS, WITHIN = 3, 10.0  # seconds
SHORT = 1.0  # seconds for a question while the resolver is silent


class Breaker:
    """Times are in seconds, of any clock that never goes back."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._timed_out: deque[float] = deque(maxlen=TIME_OUTS)
        self._next_long_try = 0.0
        self.is_open = False

    def patience(self, now: float) -> float:
        """The seconds that a question gets which is asked now.

        While the resolver is silent, one question in ten seconds gets the whole patience. Otherwise a
        resolver that needs more than a second for each answer would be taken for a silent one for ever.
        """
        if not self.is_open:
            return self._patience
        if now >= self._next_long_try:
            self._next_long_try = now + WITHIN
            return self._patience
        return min(SHORT, self._patience)

    def answered(self) -> None:
        """The resolver lives."""
        self._timed_out.clear()
        self.is_open = False

    def timed_out(self, now: float) -> None:
        """A question was not answered in its time."""
        self._timed_out.append(now)
        if not self.is_open and len(self._timed_out) == TIME_OUTS and now - self._timed_out[0] <= WITHIN:
            self.is_open, self._next_long_try = True, now + WITHIN
