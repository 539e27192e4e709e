"""A coroutine that is begun at once, and becomes a task only if it has to wait.

As asyncio's eager tasks do it (Python 3.12), for any loop and any Python, and without a task where none is
needed: most commands are obeyed without waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


def eager_task(
    work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, ended: Callable[[], object]
) -> asyncio.Task[None] | None:
    """Begin the work; the task that does the rest of it, None if it is done. `ended` is called at the end.

    Up to its first wait the work is in no task: it must not ask for one (asyncio.current_task, .timeout).
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        ended()
        return None
    except BaseException:
        ended()
        raise
    return loop.create_task(_finish(_Rest(work, waits_for), ended))


class _Rest:
    """What is left of a coroutine after its first step, which waits for something. To be awaited."""

    __slots__ = ("_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._work, self._waits_for = work, waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[Any], Any]
        waits_for, value = self._waits_for, None
        while True:
            try:
                value, step = (yield waits_for), self._work.send
            except BaseException as error:
                value, step = error, self._work.throw
            try:
                waits_for = step(value)
            except StopIteration:
                return


async def _finish(rest: _Rest, ended: Callable[[], object]) -> None:
    try:
        await rest
    finally:
        ended()
