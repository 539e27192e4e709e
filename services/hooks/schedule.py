"""When which message is tried. Pure: times are given, in seconds since 1970.

Each message has tries of its own: again after 5 s, 5 min, 30 min, 2, 5 and 10 h, then every 12 h, until ten
days after it arrived. But none is given up before it, or the target, has failed for a day.

While the target fails, one message at a time goes out as a probe, 5 s after the first failure, and then
after twice the time as before, up to half an hour. Probes are by turns the newest message that was never
tried, and the one with the fewest tries. So a message that the target cannot take holds up no other: neither
many that came before, nor one that fails again and again. The first success lets all out again.

While a message that was never tried is younger than an hour, or its ten days are over, a probe goes out every
five minutes at least. No message is given up untried. So a target that is dead for ten days gets some 500
requests for what waits, whatever the number of messages, and at most 12 an hour while new ones come.

An answer that is about one message (`Failure.is_of_message`) counts for this message alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.hooks.state import LastError, State, Try

DELAYS = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0)  # seconds after the first tries
LONGEST = 43_200.0  # seconds between two tries: 12 h, with the jitter and with Retry-After
JITTER = 0.2
LIFETIME = 864_000.0  # seconds from the arrival: ten days
AT_LEAST = 86_400.0  # seconds from the first try: a day
FIRST_PROBE, LONGEST_PROBE = 5.0, 1800.0  # seconds
HURRIED_PROBE = 300.0  # seconds; while a message that was never tried is young, or its time is over
YOUNG = 3600.0  # seconds from the arrival


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that failed. `error` is one line. `retry_after` is in seconds.

    `is_of_message` says that the reason lies with this one message, so that it tells nothing about what
    becomes of the others: it could not be read, or the target has refused just this one.
    """

    error: str
    retry_after: float | None = None
    is_of_message: bool = False


def delay(count: int, factor: float) -> float:
    """Seconds to the next try of a message after `count` that failed. `factor` is from 0.8 to 1.2."""
    planned = DELAYS[count - 1] if count <= len(DELAYS) else LONGEST
    return min(planned * factor, LONGEST)


def arrived(name: str, now: float) -> float:
    """When a message arrived, by the name of its file. A name that says nothing, or the future, is now."""
    seconds = name.partition(".")[0]
    at = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else now
    return min(float(at), now)


class Schedule:
    """Chooses what is tried, and keeps the state. `factor` returns a random number from 0.8 to 1.2."""

    def __init__(self, state: State, factor: Callable[[], float]) -> None:
        self.state = state
        self._factor = factor
        self._streak = 0  # probes that failed, one after the other
        self._failed_at = 0.0
        self._probe_at = self._hurried_at = 0.0
        self._probe_set = 0.0
        self._newest_next = True  # whether the next probe is the newest message that was never tried
        self._idle: tuple[Sequence[str], float, float] | None = None
        self._asked: set[str] = set()  # for now, whatever becomes of the others

    @property
    def is_failing(self) -> bool:
        return self.state.failing_since is not None

    def choose(self, names: Sequence[str], busy: Collection[str], now: float) -> str | None:
        """The message to try now. None if there is none now.

        `names` are all that are pending, the oldest first. `busy` are those that are under way.
        """
        if self._asked:
            asked = next((name for name in names if name in self._asked and name not in busy), None)
            if asked is not None:
                self._asked.remove(asked)
                return asked
        if self.state.stopped is not None:
            return None
        if self.is_failing and (busy or self._probe_set <= now < self._probe_time(names, now)):
            return None
        if self._idle and self._idle[0] is names and self._idle[1] <= now < self._idle[2]:
            return None
        chosen = self._untried(names, busy)
        if self.is_failing:
            if chosen is not None and self._newest_next:
                chosen = self._untried(reversed(names), busy)
            self._newest_next = not self._newest_next
        if chosen is None:
            due = (name for name in names if name not in busy and self._is_due(name, now))
            if self.is_failing:
                chosen = min(due, key=lambda name: (self.state.tries[name].count, name), default=None)
            else:
                chosen = next(due, None)
        if chosen is None and not busy:
            waiting = (self.state.tries[name].next for name in names)
            self._idle = names, now, min(waiting, default=now + LONGEST)
        return chosen

    def _untried(self, names: Iterable[str], busy: Collection[str]) -> str | None:
        return next((name for name in names if name not in self.state.tries and name not in busy), None)

    def _probe_time(self, names: Sequence[str], now: float) -> float:
        """When the next probe goes out."""
        newest, oldest = self._untried(reversed(names), ()), self._untried(names, ())
        is_young = newest is not None and now < arrived(newest, now) + YOUNG
        is_over = oldest is not None and arrived(oldest, now) + LIFETIME <= now
        return self._hurried_at if is_young or is_over else self._probe_at

    def _is_due(self, name: str, now: float) -> bool:
        tried = self.state.tries.get(name)
        # A clock that was set back must not make a message wait for longer than ever planned.
        return tried is None or tried.next <= now or tried.next > now + LONGEST

    def succeeded(self, name: str, now: float) -> None:
        """The target took a message."""
        self.state.tries.pop(name, None)
        self.state.delivered += 1
        self.state.last_success = now
        self._recovered()

    def failed(self, name: str, failure: Failure, began: float, now: float) -> None:
        """A try that began at `began` failed."""
        before = self.state.tries.get(name)
        count = (before.count if before else 0) + 1
        wait = max(delay(count, self._factor()), min(failure.retry_after or 0.0, LONGEST))
        first = before.first if before else began
        self.state.tries[name] = Try(count, first, now + wait, failure.error)
        self.state.last_error = LastError(name, failure.error, now)
        self._idle = None
        if failure.is_of_message:
            return
        if self.state.failing_since is None:
            self.state.failing_since = began
        if now < self._probe_set:  # The clock was set back, so these times say nothing.
            self._failed_at = self._probe_at = self._hurried_at = 0.0
        if began >= self._failed_at:  # Those that were under way together count as one.
            self._streak += 1
            self._failed_at = now
        pause = min(FIRST_PROBE * 2.0 ** min(self._streak - 1, 20), LONGEST_PROBE)
        factor, least = self._factor(), min(failure.retry_after or 0.0, LONGEST)
        self._probe_set = now
        self._probe_at = max(self._probe_at, now + max(pause * factor, least))
        self._hurried_at = max(self._hurried_at, now + max(min(pause, HURRIED_PROBE) * factor, least))

    def stop(self, name: str, reason: str, now: float) -> None:
        """The target wants no more (410): nothing is tried until `forget`."""
        self.state.stopped = reason
        self.state.last_error = LastError(name, reason, now)

    def forget(self, names: Collection[str] = ()) -> None:
        """Forget all waiting times, and that the hook is stopped. With names, only these are tried now.

        They are tried also while the hook is stopped or its target fails, and the others wait as before.
        """
        if names:
            self._asked.update(names)
            for name in names:
                self.state.tries.pop(name, None)
            return
        self.state.stopped = None
        self.state.tries.clear()
        self._recovered()

    def keep_only(self, names: Collection[str]) -> bool:
        """Forget the tries of messages that are not pending any more. Returns whether there were any."""
        self._asked.intersection_update(names)
        gone = self.state.tries.keys() - names
        for name in gone:
            del self.state.tries[name]
        return bool(gone)

    def over(self, names: Sequence[str], now: float) -> Iterator[str]:
        """The messages whose time is over. `names` are all that are pending, the oldest first.

        None of them was never tried. One try is enough if the target has failed for a day.
        """
        for name in names:
            if arrived(name, now) + LIFETIME > now:
                if name[:1].isdigit():
                    return
                continue
            tried = self.state.tries.get(name)
            if tried is None:
                continue
            failing = self.state.failing_since
            since = tried.first if failing is None else min(tried.first, failing)
            if since + AT_LEAST <= now:
                yield name

    def _recovered(self) -> None:
        self.state.failing_since = None
        self._streak, self._failed_at, self._idle = 0, 0.0, None
        self._probe_at = self._hurried_at = 0.0
        self._newest_next = True
