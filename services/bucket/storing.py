"""Storing a message: one object for each copy, exactly once, however often and wherever it is tried."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from dataclasses import dataclass

from receiver.bucket import keys
from receiver.bucket.keys import AUTHENTIC, Below, Key
from receiver.bucket.protocol import Copy, Put
from services.bucket.engine import SMALL, Engine, Failed, attributes
from services.bucket.outcome import Kind, Outcome

HOUR_BEFORE = 900  # seconds of an hour in which a message may have been tried in the hour before
_LOOK_BACK = 2.0  # seconds in which the store must say whether it was
_AT_ONCE = 32  # copies of one message
_OCTETS_AT_ONCE = 16_777_216  # of these copies. If all shared a slow line, none would be done in time.
_JOINED = 65_536  # octets of content up to which a copy's body is joined
_SHORTER = Outcome(
    Kind.REFUSED, errno.EIO, "the object of that key is shorter than the message: remove it from the bucket"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy that the store has: the tail of its key, and whether it was there before."""

    tail: str
    was_there: bool


class Storing:
    """Stores messages in a store. `clock` gives seconds since 1970; the deadlines are of the event loop."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self._clock = clock

    async def store(self, put: Put, content: bytes | bytearray, below: Below, late: float) -> list[Kept]:
        """Store all copies of a message, several at once. Returns when the store has acknowledged them all.

        `below` is its content below our trace. Raises Failed with the outcome of a copy that failed.
        """
        now = self._clock()
        hour, before = put.hour or keys.hour(now), ""
        if not put.hour and now % 3600 < HOUR_BEFORE:
            before = keys.hour(now - 3600)
        if len(put.copies) == 1:
            return [await self.store_copy(put, put.copies[0], content, below, hour, before, late)]
        turns = asyncio.Semaphore(max(1, min(_AT_ONCE, _OCTETS_AT_ONCE // (put.size or 1))))

        async def in_turn(copy: Copy) -> Kept:
            async with turns:
                return await self.store_copy(put, copy, content, below, hour, before, late)

        done = await asyncio.gather(*map(in_turn, put.copies), return_exceptions=True)
        kept = [found for found in done if isinstance(found, Kept)]
        if len(kept) < len(done):
            raise next(found for found in done if isinstance(found, BaseException))
        return kept

    async def store_copy(
        self,
        put: Put,
        copy: Copy,
        content: bytes | bytearray,
        below: Below,
        hour: str,
        before: str,
        late: float,
    ) -> Kept:
        """Store one copy in that hour, unless the hour before has it. `before` may be empty."""
        tail = below.tail(copy.fields, put.name)
        if before:
            sender = await self._sender(Key(before, copy.mailbox, tail), put, copy, late)
            if sender is not None:
                if not _is_kept_beside(sender, put):
                    return Kept(tail, True)
                tail += AUTHENTIC
                if await self._sender(Key(before, copy.mailbox, tail), put, copy, late) is not None:
                    return Kept(tail, True)
        sender = await self.make(Key(hour, copy.mailbox, tail), put, copy, content, late)
        if sender is not None and not tail.endswith(AUTHENTIC) and _is_kept_beside(sender, put):
            tail += AUTHENTIC
            sender = await self.make(Key(hour, copy.mailbox, tail), put, copy, content, late)
        return Kept(tail, sender is not None)

    async def make(
        self, key: Key, put: Put, copy: Copy, content: bytes | bytearray, late: float
    ) -> str | None:
        """Make the object. None, or if there is one of that key already, what it says of its sender."""
        name = str(key)
        size = len(copy.fields) + len(content)
        body = copy.fields + content if size <= _JOINED else [copy.fields, content]
        said = attributes(put.name, put.sender)
        if size > SMALL:
            # A try before may have stored it too late for its answer. So each try stores further copies.
            sender = await self._sender(key, put, copy, late)
            if sender is not None:
                return sender
        while True:
            try:
                await self.engine.put_new(name, body, size, said, late)
                return None
            except Failed as failed:
                if failed.outcome.kind is not Kind.EXISTS:
                    raise
                exists = failed.outcome
            try:
                head = await self.engine.ask(lambda gateway: gateway.head(name), late)
                if head.size < _least(put, copy):
                    raise Failed(_SHORTER)
                return head.sender
            except Failed as missing:
                # The store says that it is there, and has no such object. It may err, or another is making
                # it at this moment.
                if missing.outcome.kind is not Kind.MISSING:
                    raise
            await self.engine.doubt(exists, late)

    async def _sender(self, key: Key, put: Put, copy: Copy, late: float) -> str | None:
        """What an object says of its sender. None if there is no such copy, or if that is not known."""
        loop = asyncio.get_running_loop()
        try:
            head = await self.engine.ask(
                lambda gateway: gateway.head(str(key)), min(late, loop.time() + _LOOK_BACK), tries=1
            )
        except Failed:
            return None
        return head.sender if head.size >= _least(put, copy) else None


def _least(put: Put, copy: Copy) -> int:
    """The octets that an object of the copy has at least. Another host's trace may be shorter than ours."""
    return len(copy.fields) + put.size - put.trace


def _is_kept_beside(sender: str, put: Put) -> bool:
    """Whether a copy is kept beside that which is there, because only ours is from an authentic sender."""
    return sender == "forged" and put.sender == "authentic"
