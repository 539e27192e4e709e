"""The process that stores small messages, as a receiver sees it.

A thread could store them, but for Python's lock: each system call of one thread hands it to the other, and
both wait for it; that took a quarter of the CPU, and left the second core idle. So the receiver, or what
starts its workers, forks a writer before it has any thread or loop. Each receiver hands it messages through
a socket pair, and is told how each of them ended. What the writer does is in `pipeline`.

Neither outlives the other. Without whoever forked it the writer is killed; without it a receiver ends,
with what it has under way, and is started anew by whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from receiver import journal
from receiver.libc import die_with_parent, few_arenas, name_process
from receiver.storage import channel, pipeline
from receiver.storage.record import Record

if TYPE_CHECKING:
    from receiver.storage.maildir import Store

NAME = "letterbox-store"
_BUFFER = 212_992  # octets that a socket pair holds at least, where the system lets us (socket(7))
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}  # the receiver's to obey
_MOST_NUMBERS = 2**32 - 1


class Writer(asyncio.Protocol):
    """The receiver's end. To be opened in a loop."""

    def __init__(self, connected: socket.socket) -> None:
        self.lost = False  # it has ended, and was not asked to
        self._channel = connected
        self._transport: asyncio.WriteTransport | None = None
        self._number = channel.READY  # of the last request
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._replies = channel.Replies()
        self._closed = False
        self._on_loss: Callable[[], object] = lambda: None

    async def open(self, on_loss: Callable[[], object]) -> None:
        """Return when it is ready, or lost."""
        self._on_loss = on_loss
        loop = asyncio.get_running_loop()
        self._channel.setblocking(False)
        ready = self._waiting[channel.READY] = loop.create_future()
        self._transport, _ = await loop.create_unix_connection(lambda: self, sock=self._channel)
        # Each message is sent at once: so the writer is at work while the next one is being received.
        self._transport.set_write_buffer_limits(high=0)
        with contextlib.suppress(OSError):
            await ready

    def deliver(self, message: Record) -> asyncio.Future[None]:
        """Done when the message is durable, with its files in new/; OSError, with nothing left of it."""
        done = asyncio.get_running_loop().create_future()
        if self.lost or self._transport is None:
            done.set_exception(_error(errno.EIO))
            return done
        self._number = self._number % _MOST_NUMBERS + 1
        self._waiting[self._number] = done
        self._transport.write(channel.request(self._number, message))
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

    # From the transport

    def data_received(self, data: bytes) -> None:
        for number, code in self._replies.take(data):
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
            journal.log("error", error="the process that stores mail has ended", note="so does this one")
            self._on_loss()
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(_error(errno.EIO))
        self._waiting.clear()


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class Process:
    """The process itself, for whoever forks it: before there is any thread, or a loop.

    `store` makes the store that it is to use; it lets go of the sockets that are `not_for_it`.
    """

    def __init__(self, store: Callable[[], Store], not_for_it: Sequence[socket.socket]) -> None:
        self._control, theirs = socket.socketpair()
        gc.freeze()  # what is there by now is shared with it, not copied
        parent = os.getpid()
        # A signal that is the receiver's to obey would end it before it can say so.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self.id = os.fork()
            if not self.id:
                _become(store, theirs, [self._control, *not_for_it], parent, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    def channel(self) -> socket.socket:
        """Another way to it, for one `Writer`. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            for each in (ours, theirs):
                with contextlib.suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        return ours

    def let_go(self) -> None:
        """In another process that was forked: it is not ours."""
        self._control.close()

    def end(self) -> None:
        """Let it empty its log and end, and wait for that."""
        self._control.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.id, 0)


def _become(
    store: Callable[[], Store],
    control: socket.socket,
    foreign: Sequence[socket.socket],
    parent: int,
    mask: set[int],
) -> None:
    """In the new process. Never returns."""
    code = 1
    try:
        name_process(NAME)
        die_with_parent(parent)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for each in foreign:
            each.close()
        few_arenas()
        with journal.in_background():
            pipeline.serve(store(), control)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
