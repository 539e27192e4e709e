"""Delivering what is pending: several at once, the oldest first, until the hook is told to end.

One thread looks at the queue, decides and keeps the state. The others only try, so a slow target holds up
nothing but its own queue. A message is unlinked at one place, after a try that returned `Delivered`.
"""

from __future__ import annotations

import bisect
import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from receiver.system.journal import log
from services.hooks import state as states
from services.hooks.errors import one_line
from services.hooks.outcome import Delivered, NotAMessage, Outcome, Refused, Stopped, Vanished
from services.hooks.queue import Queue
from services.hooks.schedule import JITTER, Failure, Schedule

Attempt = Callable[[str, str], Outcome]
"""Tries to deliver the message NAME at a path. Raises OSError if the message cannot be read."""

_LOOK = 0.25  # seconds between two looks at the queue
_SAVE = 1.0  # seconds between two writes of the state
_FEW = 5  # ids that a line of the log names
_GRACE = 3.0  # seconds that tries may go on after SIGTERM


@dataclass(frozen=True, slots=True)
class _Ended:
    """A try that ended. Times are in seconds since 1970."""

    name: str
    outcome: Outcome
    began: float
    took: float


class Deliveries:
    """The deliveries of one queue. `most` is how many tries may be under way. `now`: seconds since 1970."""

    def __init__(
        self, waiting: Queue, attempt: Attempt, most: int, now: Callable[[], float] = time.time
    ) -> None:
        self._queue, self._attempt, self._most, self._now = waiting, attempt, most, now
        self._state = states.load(waiting.state)
        self._schedule = Schedule(self._state, lambda: random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
        self._names: list[str] = []
        self._busy: set[str] = set()
        self._no_messages: set[str] = set()
        self._ended: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        self._is_ending = False
        self._unsaved, self._save_at = True, 0.0

    def end(self) -> None:
        """End soon. A signal handler may call this."""
        self._is_ending = True
        self._ended.put(None)

    def run(self) -> None:
        """Deliver until `end` is called. Raises OSError if the queue is gone."""
        while not self._is_ending:
            self._look()
            self._start()
            self._take(_LOOK)
            self._save()
        late = time.monotonic() + _GRACE
        while self._busy and (left := late - time.monotonic()) > 0:
            self._take(left)
        self._save(at_once=True)

    def _look(self) -> None:
        asked = self._queue.take_retry()
        if asked is not None:
            self._schedule.forget(asked)
            self._no_messages.clear()
            self._unsaved = True
            log("retry", hook=self._queue.name, ids=" ".join(sorted(asked)[:_FEW]) or "all")
        names = self._queue.changed()
        if names is not None:
            self._no_messages.intersection_update(names)
            self._names = [name for name in names if name not in self._no_messages]
            self._unsaved |= self._schedule.keep_only(self._names)

    def _start(self) -> None:
        while len(self._busy) < self._most:
            name = self._schedule.choose(self._names, self._busy, self._now())
            if name is None:
                return
            self._busy.add(name)
            threading.Thread(target=self._try, args=(name,), name=name, daemon=True).start()

    def _try(self, name: str) -> None:
        began, clock = self._now(), time.monotonic()
        outcome: Outcome
        try:
            outcome = self._attempt(name, self._queue.path(name))
        except Exception as error:
            # The message cannot be read, or this is a fault of ours. It is tried again.
            outcome = self._queue.unreadable(name, error)
        self._ended.put(_Ended(name, outcome, began, time.monotonic() - clock))

    def _take(self, seconds: float) -> None:
        """Take in the tries that ended, and wait for the first of them for this time."""
        with contextlib.suppress(queue.Empty):
            ended = self._ended.get(timeout=seconds)
            while True:
                if ended is not None:
                    self._busy.discard(ended.name)
                    self._settle(ended)
                ended = self._ended.get_nowait()

    def _settle(self, ended: _Ended) -> None:
        name, outcome, now = ended.name, ended.outcome, self._now()
        self._unsaved = True
        output = outcome.output if isinstance(outcome, Delivered | Refused) else ()
        for line in output:
            log("output", hook=self._queue.name, id=name, line=line)
        if isinstance(outcome, Delivered):
            self._succeeded(name, outcome, ended, now)
        elif isinstance(outcome, Stopped):
            self._schedule.stop(name, outcome.reason, now)
            log("stopped", hook=self._queue.name, id=name, answer=outcome.reason)
        elif isinstance(outcome, Vanished | NotAMessage):
            self._forget(name)
            if isinstance(outcome, NotAMessage):
                self._no_messages.add(name)
                log("skipped", hook=self._queue.name, id=name, why="it is no regular file")
        elif not self._is_ending:  # What ends together with us is no failure of the target.
            self._failed(name, outcome.failure if isinstance(outcome, Refused) else outcome, ended.began, now)

    def _succeeded(self, name: str, outcome: Delivered, ended: _Ended, now: float) -> None:
        self._schedule.succeeded(name, now)
        log("delivered", hook=self._queue.name, id=name, answer=outcome.how, seconds=ended.took)
        try:
            self._queue.done(name)
        except OSError as error:
            words = f"it was delivered, but stays in the queue: {error.strerror}"
            self._failed(name, Failure(words, is_of_message=True), ended.began, now)
        else:
            self._forget(name)

    def _failed(self, name: str, failure: Failure, began: float, now: float) -> None:
        self._schedule.failed(name, failure, began, now)
        tried = self._state.tries[name]
        log(
            "failed",
            hook=self._queue.name,
            id=name,
            tries=tried.count,
            again=max(0, round(tried.next - now)),
            error=failure.error,
        )
        for each in [each for each in self._schedule.over(self._names, now) if each not in self._busy]:
            try:
                if self._queue.give_up(each):
                    log("dead", hook=self._queue.name, id=each)
            except OSError as error:
                log("dead", hook=self._queue.name, id=each, error=f"it stays in the queue: {error.strerror}")
            else:
                self._forget(each)

    def _forget(self, name: str) -> None:
        self._state.tries.pop(name, None)
        at = bisect.bisect_left(self._names, name)
        if self._names[at : at + 1] == [name]:
            del self._names[at]

    def _save(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not self._unsaved or (now < self._save_at and not at_once):
            return
        self._unsaved, self._save_at = False, now + _SAVE
        try:
            states.save(self._queue.state, self._state)
        except OSError as error:
            log("state", hook=self._queue.name, error=one_line(str(error)))
