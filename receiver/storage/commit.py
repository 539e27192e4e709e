"""Group commit in the receiver's process: messages that are ready at one time become durable together.

While one group is made durable, the next one gathers. A message that is alone does not wait for others. Large
messages take this way. Small messages go to the writer, if there is one (`writer`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from receiver.storage.group import MAX_MESSAGES, SLOW_SYNC, Failures
from receiver.storage.incoming import Incoming
from receiver.storage.log.segment import SYNCS


class GroupCommit:
    """Forms groups for `make_durable`, which blocks and runs on `threads`.

    One event loop at a time may call `deliver`.
    """

    def __init__(self, threads: Executor, make_durable: Callable[[Sequence[Incoming]], Failures]) -> None:
        self._threads, self._make_durable = threads, make_durable
        self._waiting: list[tuple[Incoming, asyncio.Future[None]]] = []
        self._running = 0  # groups
        self._is_scheduled = False  # whether a call of _begin is scheduled

    async def deliver(self, message: Incoming) -> None:
        """Return when the message is durable. Raises OSError, and leaves nothing of the message then."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((message, done))
        if not self._is_scheduled:
            self._is_scheduled = True
            if self._running:
                # If syncs are fast, one larger group after this one is faster than a second one meanwhile.
                loop.call_later(SLOW_SYNC, self._begin, loop)
            else:
                # Messages that become ready in this turn of the loop join the group.
                loop.call_soon(self._begin, loop)
        await done

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_scheduled = False
        if self._running < SYNCS and self._waiting:
            self._running += 1
            group, self._waiting = self._waiting[:MAX_MESSAGES], self._waiting[MAX_MESSAGES:]
            work = self._threads.submit(self._make_durable, [message for message, _ in group])
            work.add_done_callback(lambda work: _call_in_loop(loop, self._end, loop, group, work))

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


def _call_in_loop(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
    with contextlib.suppress(RuntimeError):  # The loop is closed, so nobody waits there any more.
        loop.call_soon_threadsafe(*call)
