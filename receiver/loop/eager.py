"""Eager tasks: a coroutine starts at once, and becomes a task only if it has to wait.

asyncio has eager tasks since Python 3.12. These work with any loop and any Python, and create no task object
for a coroutine that ends without waiting. Most SMTP commands end without waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


def eager_task(
    work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, ended: Callable[[], object]
) -> asyncio.Task[None] | None:
    """Start the work, and return the task that finishes it, or None if the work is done.

    `ended` is called when the work has ended. Until its first wait the work runs outside of any task, so it
    must not need one, as `asyncio.current_task` and `asyncio.timeout` do. Raises what the work raises before
    its first wait.
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        ended()
        return None
    except BaseException:
        ended()
        raise
    return loop.create_task(_finish(Remainder(work, waits_for), ended))


class Remainder:
    """An awaitable that finishes a coroutine after its first step. `waits_for` is what that step yielded."""

    __slots__ = ("_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._work, self._waits_for = work, waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any]
        waits_for, value = self._waits_for, None
        while True:
            try:
                value, step = (yield waits_for), self._work.send
            except BaseException as error:
                value, step = error, self._work.throw
            try:
                waits_for = step(value)
            except StopIteration as end:
                return end.value


async def _finish(remainder: Remainder, ended: Callable[[], object]) -> None:
    try:
        await remainder
    finally:
        ended()
