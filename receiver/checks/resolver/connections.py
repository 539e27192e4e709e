"""The connections to the resolver's socket. Each carries one question at a time, as systemd-resolved asks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

from receiver.checks.dns_query import TemporaryFailure

MOST = 32  # connections; systemd-resolved takes 1,024 of one user
_LONGEST_REPLY = 4 << 20  # octets; an answer of 64 KiB, with each octet as six in JSON, and in base64


class Connections:
    """Opens connections as they are needed, and keeps them."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._path = str(path)
        self._room = asyncio.Semaphore(most)
        self._idle: list[_Connection] = []

    async def ask(self, call: bytes) -> bytes:
        """The reply to a call, both without the NUL. Raises OSError if nobody answers, TemporaryFailure.

        If it is cancelled, the connection is closed. This takes the question back.
        """
        async with self._room:
            while self._idle:  # such a connection may have died, as when the resolver was restarted
                try:
                    return await self._idle.pop().ask(call)
                except ConnectionError:
                    self._drop_idle()
            _, connection = await asyncio.get_running_loop().create_unix_connection(
                lambda: _Connection(self._idle), self._path
            )
            return await connection.ask(call)

    def _drop_idle(self) -> None:
        """The resolver that these connections led to has ended."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close the idle connections. The others are closed as their questions are cancelled."""
        self._drop_idle()


class _Connection(asyncio.Protocol):
    def __init__(self, idle: list[_Connection]) -> None:
        self._idle = idle
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._reply: asyncio.Future[bytes] | None = None

    async def ask(self, call: bytes) -> bytes:
        """Ask one question, and go back to the idle connections if it was answered."""
        if self._transport is None:
            raise ConnectionResetError("the resolver has closed the connection")
        self._reply = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(call + b"\0")
            reply = await self._reply
        except BaseException:
            self.close()
            raise
        finally:
            self._reply = None
        if self._transport is not None:
            self._idle.append(self)
        return reply

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reply is None or self._reply.done():
            self.close()  # nobody asked
            return
        self._received += data
        end = data.find(0)
        if end == len(data) - 1:
            reply = bytes(self._received[:-1])
            self._received.clear()
            self._reply.set_result(reply)
        elif end >= 0 or len(self._received) > _LONGEST_REPLY:
            self._lost(TemporaryFailure("what the resolver sent is not one reply"))

    def connection_lost(self, error: Exception | None) -> None:
        self._lost(error or ConnectionResetError("the resolver has closed the connection"))

    def _lost(self, error: Exception) -> None:
        self.close()
        if self in self._idle:
            self._idle.remove(self)
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)
