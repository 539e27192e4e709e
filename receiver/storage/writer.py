"""The process that stores small messages, as a receiver sees it.

The receiver sends messages to it through a socket pair, and gets a result for each. `writer_process` says why
there is such a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Sequence

from receiver.storage import channel
from receiver.storage.log.record import Copy
from receiver.system import journal

_MOST_NUMBERS = 2**32 - 1


class Writer(asyncio.Protocol):
    """The receiver's end of the socket pair. Call `open` in the event loop first."""

    def __init__(self, connected: socket.socket) -> None:
        self.lost = False  # whether the writer has ended without being asked to
        self._channel = connected
        self._transport: asyncio.WriteTransport | None = None
        self._number = channel.READY  # of the last request
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._results = channel.ResultDecoder()
        self._closed = False
        self._on_loss: Callable[[], object] = lambda: None

    async def open(self, on_loss: Callable[[], object]) -> None:
        """Return when the writer is ready, or lost. `on_loss` is called if it is lost later."""
        self._on_loss = on_loss
        loop = asyncio.get_running_loop()
        self._channel.setblocking(False)
        ready = self._waiting[channel.READY] = loop.create_future()
        self._transport, _ = await loop.create_unix_connection(lambda: self, sock=self._channel)
        # Each message is sent at once, so that the writer works while we receive the next one.
        self._transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(OSError):
            await ready

    def deliver(self, name: str, copies: Sequence[Copy], content: Sequence[bytes]) -> asyncio.Future[None]:
        """Store a message. `name` is the name of its files; `content` is in pieces.

        The future is done when the message is durable and its files are in new/. It fails with OSError if the
        message could not be stored, and nothing is left of the message then.
        """
        done = asyncio.get_running_loop().create_future()
        if self.lost or self._transport is None:
            done.set_exception(_error(errno.EIO))
            return done
        self._number = self._number % _MOST_NUMBERS + 1
        self._waiting[self._number] = done
        self._transport.write(channel.pack_request(self._number, name, copies, content))
        return done

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        if self._transport:
            self._transport.abort()
        else:
            self._channel.close()

    def data_received(self, data: bytes) -> None:
        for number, code in self._results.decode(data):
            done = self._waiting.pop(number)
            if done.done():
                continue
            if code:
                done.set_exception(_error(code))
            else:
                done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._closed:
            self.lost = True
            journal.log("error", error="the process that stores mail has ended", note="this one ends too")
            self._on_loss()
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(_error(errno.EIO))
        self._waiting.clear()


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
