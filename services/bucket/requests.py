"""The requests of clients, and their replies. What is under way is bounded. Each request has a deadline."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from receiver.bucket import keys, protocol
from receiver.bucket.keys import Below
from receiver.bucket.protocol import ProtocolError, Put
from receiver.system.journal import log
from services.bucket import body, fetching
from services.bucket.budget import Budget
from services.bucket.engine import Failed
from services.bucket.errors import RequestError
from services.bucket.storing import Kept, Storing
from services.bucket.trial import Trial

T = TypeVar("T")

DEADLINE = 14.0  # seconds after which a request has its reply
UNDER_WAY = 67_108_864  # octets of content
_LISTS = 4  # lists and gets under way at once
_LEAST = 1.0  # seconds that must be left for content that had to wait, because less would be in vain
_READERS = 4  # threads that read and digest content
_LONGEST_KEY = 4096  # characters

Reply = Callable[[bytes, int], None]  # takes a packet, and a descriptor or -1, which stays the caller's


class Requests:
    """Serves requests. `trial` is the check of the store."""

    def __init__(self, storing: Storing, trial: Trial, deadline: float = DEADLINE) -> None:
        self._storing = storing
        self._trial = trial
        self._deadline = deadline
        self._budget = Budget(UNDER_WAY)
        self._fetches = asyncio.Semaphore(_LISTS)
        self._readers = ThreadPoolExecutor(_READERS, "reader")

    async def serve(self, packet: bytes, fds: Sequence[int], reply: Reply) -> None:
        """Serve one request, which has come now, and give its reply. Closes its descriptors.

        Raises ProtocolError if it is none.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        head: dict[str, Any] = {}
        try:
            head, octets = protocol.unpack(packet)
            number = protocol.value(head, "n", int)
            ask = self._operation(protocol.value(head, "op", str))
            await ask(head, octets, fds, began + self._deadline, reply)
            return
        except Failed as failed:
            code, said = failed.outcome.code, failed.outcome.said
        except RequestError as error:
            code, said = error.code, str(error)
        except OSError as error:
            code, said = error.errno or errno.EIO, error.strerror or "an error of this host"
        except ProtocolError:
            raise
        except Exception as error:  # It is a fault of ours, and still its client gets an answer.
            code, said = errno.EIO, f"an error of letterbox-bucket: {type(error).__name__}"
        finally:
            for fd in fds:
                os.close(fd)
        if code != errno.ENOENT:
            log("refused", op=head["op"], errno=errno.errorcode.get(code, code), reason=said,
                file=head.get("name"), seconds=loop.time() - began)  # fmt: skip
        reply(protocol.pack_reply(number, code, said), -1)

    def _operation(self, op: str) -> Callable[..., Awaitable[None]]:
        match op:
            case "put":
                return self._put
            case "list":
                return self._list
            case "get":
                return self._get
            case "head":
                return self._head
            case "check":
                return self._check
        raise ProtocolError(f"op: {op!r} is none")

    async def _put(
        self, head: Mapping[str, Any], octets: bytes, fds: Sequence[int], late: float, reply: Reply
    ) -> None:
        number, left = head["n"], list(fds)
        if "lead" in head:
            size = protocol.value(head, "lead", int)
            if not left or not 0 < size <= protocol.MAX_LEAD_BY_FD:
                raise ProtocolError("lead: there is no descriptor of it, or it is too long")
            head, fields = protocol.unpack(bytes(await self._in_thread(body.read, left.pop(0), 0, size)))
            octets = fields + octets
        put, inline = protocol.parse_put(head, octets)
        if len(left) != (inline is None):
            raise ProtocolError("descriptors: not as many as the packet says")
        if put.hour and not keys.is_hour(put.hour):
            raise ProtocolError("hour: is not like 2026-11-26/20")
        if not all(keys.has_room_for(each.mailbox) for each in put.copies):
            said = (
                "the name of a mailbox is too long for a key of the store: move its mail to another mailbox"
            )
            raise RequestError(errno.ENAMETOOLONG, said)
        room = await self._budget.take(put.size + len(octets), late - _LEAST)
        try:
            kept = await self._store(put, inline, left, late)
        finally:
            self._budget.give(room)
        answer = protocol.pack_reply(
            number, tails=[each.tail for each in kept], there=sum(each.was_there for each in kept)
        )
        reply(answer if len(answer) <= protocol.MAX_REPLY else protocol.pack_reply(number), -1)

    async def _store(self, put: Put, inline: bytes | None, fds: Sequence[int], late: float) -> list[Kept]:
        content: bytes | bytearray
        if inline is None:
            content, below = await self._in_thread(_read, fds[0], put)
        else:
            content, below = inline, body.below(inline, put.trace)
        return await self._storing.store(put, content, below, late)

    async def _list(
        self, head: Mapping[str, Any], octets: bytes, fds: Sequence[int], late: float, reply: Reply
    ) -> None:
        prefix, after = _key(head, "prefix"), _key(head, "after")
        if prefix and not prefix.endswith("/"):
            raise RequestError(errno.EINVAL, "a prefix must end in /")
        async with self._turn(late), fetching.page(self._storing.engine, prefix, after, late) as (fd, more):
            reply(protocol.pack_reply(head["n"], more=more, size=os.fstat(fd).st_size), fd)

    async def _get(
        self, head: Mapping[str, Any], octets: bytes, fds: Sequence[int], late: float, reply: Reply
    ) -> None:
        key = _key(head, "key")
        if not key:
            raise RequestError(errno.ENOENT, "no object has an empty key")
        async with self._turn(late), fetching.content(self._storing.engine, key, late) as (fd, found):
            reply(protocol.pack_reply(head["n"], **asdict(found)), fd)

    async def _head(
        self, head: Mapping[str, Any], octets: bytes, fds: Sequence[int], late: float, reply: Reply
    ) -> None:
        key = _key(head, "key")
        if not key:
            raise RequestError(errno.ENOENT, "no object has an empty key")
        found = await self._storing.engine.ask(lambda gateway: gateway.head(key), late)
        reply(protocol.pack_reply(head["n"], **asdict(found)), -1)

    async def _check(
        self, head: Mapping[str, Any], octets: bytes, fds: Sequence[int], late: float, reply: Reply
    ) -> None:
        async with self._turn(late):
            links = await self._trial.links(late)
        reply(protocol.pack_reply(head["n"], links=[asdict(each) for each in links]), -1)

    @asynccontextmanager
    async def _turn(self, late: float) -> AsyncIterator[None]:
        """Wait until this list or get may be made. Each holds memory of its own."""
        try:
            async with asyncio.timeout_at(late):
                await self._fetches.acquire()
        except TimeoutError:
            raise RequestError(errno.ENOBUFS, "too many requests are under way") from None
        try:
            yield
        finally:
            self._fetches.release()

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, call, *arguments)


def _read(fd: int, put: Put) -> tuple[bytearray, Below]:
    content = body.read(fd, put.at, put.size)
    return content, body.below(content, put.trace)


def _key(head: Mapping[str, Any], name: str) -> str:
    """A key, or a part of one, of a request."""
    found: str = protocol.value(head, name, str)
    if len(found) > _LONGEST_KEY or not found.isascii() or not found.isprintable():
        raise ProtocolError(f"{name}: is not a key")
    return found
