"""The answers of the last minutes. Pure.

A question to systemd-resolved costs 0.2 ms of its CPU and as much of ours even if it knows the answer. Here a
known answer costs some microseconds.
"""

from __future__ import annotations

from collections import OrderedDict

from receiver.checks.dns_query import Answer

Question = tuple[str, int]  # name in lower case, type
MOST = 20_000  # answers
LONGEST = 300.0  # seconds
# A record with a TTL of 0 is asked for several times for one message, and must be the same each time.
SHORTEST = 5.0
LONGEST_NEGATIVE = 30.0  # a name that was missing a moment ago may just have been published


class Cache:
    """Remembers answers until their time is over. The one that was not asked for the longest goes first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()

    def get(self, question: Question, now: float) -> Answer | None:
        """The answer if it is known and still holds."""
        known = self._answers.get(question)
        if known is None:
            return None
        until, answer = known
        if until <= now:
            del self._answers[question]
            return None
        self._answers.move_to_end(question)
        return answer

    def put(self, question: Question, answer: Answer, ttl: float, now: float) -> None:
        """Remember an answer whose records hold for `ttl` seconds. `ttl` counts only if there are any."""
        seconds = max(SHORTEST, min(ttl, LONGEST)) if answer.records else LONGEST_NEGATIVE
        self._answers[question] = now + seconds, answer
        self._answers.move_to_end(question)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def __len__(self) -> int:
        return len(self._answers)
