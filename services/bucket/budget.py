"""How much content may be under way at once, in octets. Who comes first is served first."""

from __future__ import annotations

import asyncio
import errno
from collections import deque

from services.bucket.errors import RequestError


class Budget:
    """Room for `most` octets. What is larger counts as `most`, so it fits when nothing else is there."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def used(self) -> int:
        return self._most - self._left

    async def take(self, octets: int, late: float) -> int:
        """Wait for that room. Returns what must be given back with `give`.

        Raises RequestError with ENOBUFS at `late`, by the loop's clock.
        """
        octets = min(octets, self._most)
        if self._waiting or octets > self._left:
            await self._wait(octets, late)
        else:
            self._left -= octets
        return octets

    def give(self, octets: int) -> None:
        """Give back what `take` returned. Who waits is served."""
        self._left += octets
        self._serve()

    async def _wait(self, octets: int, late: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        entry = (octets, turn)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout_at(late):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._left += octets  # Its turn came at the same moment.
            elif entry in self._waiting:  # Else `_serve` has passed it by at the same moment.
                self._waiting.remove(entry)
            self._serve()
            if isinstance(error, TimeoutError):
                raise RequestError(errno.ENOBUFS, "too much content is under way") from None
            raise

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            octets, turn = self._waiting.popleft()
            if not turn.done():
                self._left -= octets
                turn.set_result(None)
