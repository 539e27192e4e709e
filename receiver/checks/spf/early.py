"""Questions that are asked before their answers are needed.

A policy is evaluated term by term, and each term may wait for DNS. So a policy of ten terms would take ten
times as long as one answer. If DNS lets a check wait, what its next terms will ask is asked at once.
"""

from __future__ import annotations

import asyncio

from receiver.checks.dns_query import Answer, Resolver


class EarlyResolver:
    """A `Resolver` for one check, over the one of the process. `cancel` must be called at the end."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._begun: dict[tuple[str, int], asyncio.Task[Answer]] = {}
        self.has_waited = False  # if not, the answers are known already, and asking early would gain nothing

    async def query(self, name: str, kind: int) -> Answer:
        """Raises TemporaryFailure."""
        begun = self._begun.get((name, kind))
        if begun is not None:
            await asyncio.wait((begun,))
            return begun.result()
        if self.has_waited:
            return await self._resolver.query(name, kind)
        waits = asyncio.get_running_loop().call_soon(self._note_wait)  # it is called only if the query waits
        try:
            return await self._resolver.query(name, kind)
        finally:
            waits.cancel()

    def begin(self, name: str, kind: int) -> None:
        """Ask now what `query` will want to know."""
        if (name, kind) not in self._begun:
            self._begun[name, kind] = asyncio.get_running_loop().create_task(self._ask(name, kind))

    def cancel(self) -> None:
        """Take back the questions whose answers nobody needed. asyncio then logs no failure of theirs."""
        for task in self._begun.values():
            task.cancel()

    async def _ask(self, name: str, kind: int) -> Answer:
        return await self._resolver.query(name, kind)

    def _note_wait(self) -> None:
        self.has_waited = True
