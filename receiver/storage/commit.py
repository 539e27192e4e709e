"""Group commit: messages that are ready at the same time are made durable together (`group`).

While a group is being made durable the next one gathers; a message that is alone never waits. This is for
large messages; small ones have a process of their own, where there is one (`writer`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from receiver.storage.group import Failures
from receiver.storage.incoming import Incoming
from receiver.storage.segment import SYNCS

_LONG = 0.003  # seconds of a sync after which the next group is begun meanwhile
_MOST = 100  # messages of one group


class Commit:
    """Groups messages for `make_durable`, which blocks. `deliver` is called from one event loop at a time."""

    def __init__(self, threads: Executor, make_durable: Callable[[Sequence[Incoming]], Failures]) -> None:
        self._threads, self._make_durable = threads, make_durable
        self._waiting: list[tuple[Incoming, asyncio.Future[None]]] = []
        self._running = 0
        self._due = False

    async def deliver(self, message: Incoming) -> None:
        """Return when the message is durable. Raises OSError, with nothing left of it."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((message, done))
        if not self._due:
            self._due = True
            if self._running:  # where syncs are fast, the larger group is the faster one
                loop.call_later(_LONG, self._begin, loop)
            else:
                loop.call_soon(self._begin, loop)  # with all that became ready in this turn of the loop
        await done

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = False
        if self._running < SYNCS and self._waiting:
            self._running += 1
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            work = self._threads.submit(self._make_durable, [message for message, _ in group])
            work.add_done_callback(lambda work: _tell(loop, self._end, loop, group, work))

    def _end(
        self,
        loop: asyncio.AbstractEventLoop,
        group: Sequence[tuple[Incoming, asyncio.Future[None]]],
        work: Future[Failures],
    ) -> None:
        self._running -= 1
        broken = work.exception()
        failures = {} if broken else work.result()
        for message, done in group:
            error = broken or failures.get(message)
            if done.done():
                continue
            if error:
                done.set_exception(error)
            else:
                done.set_result(None)
        self._begin(loop)


def _tell(loop: asyncio.AbstractEventLoop, *what: Any) -> None:
    with contextlib.suppress(RuntimeError):  # it has ended, and nobody waits there any more
        loop.call_soon_threadsafe(*what)
