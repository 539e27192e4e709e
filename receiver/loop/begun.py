"""Work that has begun and whose result is wanted later. A task is made only for work that has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Generic, TypeVar

from receiver.loop.eager import Remainder

T = TypeVar("T")


class Begun(Generic[T]):
    """Starts a coroutine at once, outside of any task, as `eager.eager_task` does.

    `result` is its result, and None until it has ended or if it failed. `error` is the exception with which
    it failed. It has ended with neither if it was cancelled.
    """

    __slots__ = ("_task", "error", "result")

    def __init__(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self.result: T | None = None
        self.error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        try:
            waits_for = work.send(None)
        except StopIteration as end:
            self.result = end.value
        except Exception as error:
            self.error = error
        else:
            self._task = loop.create_task(self._finish(Remainder(work, waits_for)))

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _finish(self, remainder: Remainder) -> None:
        try:
            self.result = await remainder
        except Exception as error:
            self.error = error


async def finish_by(until: float, loop: asyncio.AbstractEventLoop, work: Sequence[Begun[Any]]) -> None:
    """Return when all of the work has ended, or at the time `until` of the loop's clock.

    It needs no task around it.
    """
    tasks = [each._task for each in work if each._task is not None and each.is_running]
    if tasks:
        await asyncio.wait(tasks, timeout=max(0.0, until - loop.time()))
