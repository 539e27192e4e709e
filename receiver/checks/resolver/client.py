"""The resolver of the checks. It remembers answers, and asks the same question once at a time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from receiver.checks.dns_query import Answer, TemporaryFailure, is_askable
from receiver.checks.resolver import replies
from receiver.checks.resolver.breaker import Breaker
from receiver.checks.resolver.cache import Cache, Question
from receiver.checks.resolver.connections import Connections
from receiver.checks.resolver.errors import NoAnswerInTime, NoNameServers, NoResolver
from receiver.checks.resolver.local_names import is_never_public
from receiver.checks.resolver.zones import Zones

_CLOSED = "the resolver of the checks is closed"


@dataclass(slots=True)
class _Asked:
    """A question that is being asked, and how many wait for its answer."""

    task: asyncio.Task[Answer]
    waiting: int = 0


class VarlinkResolver:
    """A `Resolver` at a Unix socket. `patience` is the longest that a question may take, in seconds.

    The socket is opened with the first question, and may come and go. `questions` and `timeouts` count what
    was asked of the resolver, and what of it was not answered in time.
    """

    def __init__(self, path: Path, patience: float = 5.0) -> None:
        self._path = path
        self._connections = Connections(path)
        self._cache = Cache()
        self._breaker = Breaker(patience)
        self._zones = Zones()
        self._asked: dict[Question, _Asked] = {}
        self._closed = False
        self.questions = self.timeouts = 0

    async def query(self, name: str, kind: int) -> Answer:
        """Returns without waiting if the answer is known. Raises TemporaryFailure.

        A name that is no ASCII is in no zone that could be asked (RFC 8616 section 4).
        """
        question = name.lower().removesuffix("."), kind
        known = self._cache.get(question, time.monotonic())
        if known is not None:
            return known
        if not question[0].isascii() or not is_askable(question[0]):
            return Answer(exists=False)
        if self._closed:
            raise TemporaryFailure(_CLOSED)
        asked = self._asked.get(question)
        if asked is None:
            asked = _Asked(asyncio.get_running_loop().create_task(self._ask(question)))
            self._asked[question] = asked
        asked.waiting += 1
        try:
            await asyncio.wait((asked.task,))  # if this is cancelled, the task is not
            return asked.task.result()
        finally:
            asked.waiting -= 1
            if asked.waiting == 0:
                self._forget(question, asked)

    def _forget(self, question: Question, asked: _Asked) -> None:
        """Nobody waits for the answer any more. If it has not come yet, the question is taken back."""
        if self._asked.get(question) is asked:
            del self._asked[question]
        asked.task.cancel()
        if asked.task.done() and not asked.task.cancelled():
            asked.task.exception()  # asyncio logs an exception that nobody has looked at

    async def _ask(self, question: Question) -> Answer:
        patience = self._breaker.patience(time.monotonic())
        self.questions += 1
        try:
            async with asyncio.timeout(patience), self._zones.room(question[0]):
                answer, ttl = await self._answer(*question)
        except asyncio.CancelledError:
            if self._closed:
                raise TemporaryFailure(_CLOSED) from None
            raise
        except NoAnswerInTime:
            self._timed_out()
            raise
        except TimeoutError:
            self._timed_out()
            raise NoAnswerInTime(f"no answer for {question[0]} in {patience:g} s") from None
        except OSError as error:
            raise NoResolver(f"no resolver at {self._path}: {error.strerror or error}") from None
        except TemporaryFailure:
            self._breaker.answered()
            raise
        self._breaker.answered()
        self._cache.put(question, answer, ttl, time.monotonic())
        return answer

    async def _answer(self, name: str, kind: int) -> tuple[Answer, float]:
        """The answer of DNS, and its TTL. If resolved asks no nameserver for a name, what it says itself."""
        try:
            return replies.answer(await self._connections.ask(replies.call(name, kind)), name, kind)
        except NoNameServers:
            own = await self._connections.ask(replies.call(name, kind, synthesize=True))
        try:
            return replies.answer(own, name, kind)
        except NoNameServers:
            if is_never_public(name):
                return Answer(exists=False), 0.0
            raise

    def _timed_out(self) -> None:
        self.timeouts += 1
        self._breaker.timed_out(time.monotonic())

    def close(self) -> None:
        """Take back all questions, whose askers get TemporaryFailure, and close the connections."""
        self._closed = True
        for asked in self._asked.values():
            asked.task.cancel()
        self._connections.close()
