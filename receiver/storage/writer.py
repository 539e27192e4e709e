"""The process that stores small messages: the write-ahead log, and their files, are its work alone.

A thread could do it, but for Python's lock: each system call of one thread hands it to the other, and both
wait for it; that took a quarter of the CPU, and left the second core idle. So a receiver forks its writer
before it has any thread or loop, hands it messages through a socket pair, and is told, in the same order, how
each of them ended. What waits in the socket when a group has been made durable is the next group (`commit`).

Neither outlives the other. Without its receiver the writer is killed; without its writer the receiver ends,
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
import struct
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from receiver import journal
from receiver.libc import die_with_parent, few_arenas
from receiver.storage.incoming import Incoming
from receiver.storage.record import Record, body, parsed

if TYPE_CHECKING:
    from receiver.storage.maildir import Store

_FRAME = struct.Struct("<II")  # octets of a record's names, and of its message; then both
_READY = struct.pack(
    "<i", -1
)  # the first thing that it says; after it an errno a message, 0 for a stored one
_READ = 262_144  # octets
_BUFFER = 212_992  # octets that the socket pair holds at least, where the system lets us (socket(7))
_MOST = 100  # messages of one group
_SIGNALS = {
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
}  # of a service or a terminal: the receiver's to obey


class Writer(asyncio.Protocol):
    """The receiver's end. To be opened in a loop."""

    def __init__(self, process: int, channel: socket.socket) -> None:
        self.lost = False  # it has ended, and was not asked to
        self._process, self._channel = process, channel
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._octets = b""
        self._ready = False
        self._closed = False
        self._on_loss: Callable[[], object] = lambda: None

    async def open(self, on_loss: Callable[[], object]) -> None:
        """Return when it is ready, or lost."""
        self._on_loss = on_loss
        loop = asyncio.get_running_loop()
        self._channel.setblocking(False)
        ready = loop.create_future()
        self._waiting.append(ready)
        self._transport, _ = await loop.create_unix_connection(lambda: self, sock=self._channel)
        with contextlib.suppress(OSError):
            await ready

    def deliver(self, message: Record) -> asyncio.Future[None]:
        """Done when the message is durable, with its files in new/; OSError, with nothing left of it."""
        done = asyncio.get_running_loop().create_future()
        if self.lost or self._transport is None:
            done.set_exception(_error(errno.EIO))
            return done
        self._waiting.append(done)
        names, pieces = body(message)
        head = _FRAME.pack(len(names), sum(map(len, pieces)))
        self._transport.write(b"".join((head, names, *pieces)))
        return done

    def close(self) -> None:
        """Let it empty its log and end, and wait for that."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        if self._transport:
            self._transport.abort()
        else:
            self._channel.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, 0)

    # From the transport

    def data_received(self, data: bytes) -> None:
        octets = self._octets + data
        whole = len(octets) // 4
        self._octets = octets[4 * whole :]
        for code in struct.unpack_from(f"<{whole}i", octets):
            done = self._waiting.popleft()
            if done.done():
                continue
            if code > 0:
                done.set_exception(_error(code))
            else:
                done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._closed:
            self.lost = True
            journal.log("error", error="the process that stores mail has ended", note="so does this one")
            self._on_loss()
        for done in self._waiting:
            if not done.done():
                done.set_exception(_error(errno.EIO))
        self._waiting.clear()


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@contextlib.contextmanager
def started(store: Store, not_for_it: Sequence[socket.socket]) -> Iterator[Writer]:
    """The store's writer, forked; it lets go of these sockets. Before there is any thread, or a loop."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        with contextlib.suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    gc.freeze()  # what is there by now is shared with it, not copied
    receiver = os.getpid()
    # A signal that is the receiver's to obey would end it before it can say so.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        process = os.fork()
        if not process:
            _become(store, theirs, [ours, *not_for_it], receiver, mask)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    theirs.close()
    writer = Writer(process, ours)
    try:
        yield writer
    finally:
        writer.close()


def _become(
    store: Store, channel: socket.socket, foreign: Sequence[socket.socket], receiver: int, mask: set[int]
) -> None:
    """In the new process. Never returns."""
    code = 1
    try:
        die_with_parent(receiver)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for each in foreign:
            each.close()
        few_arenas()
        with journal.in_background():
            _serve(store, channel)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve(store: Store, channel: socket.socket) -> None:
    """Store what comes, group by group, until the receiver hangs up."""
    store.open_log()
    requests = Requests()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        channel.sendall(_READY)
        while octets := channel.recv(_READ):
            requests.add(octets)
            while group := requests.take(_MOST):
                channel.sendall(store_group(store, group))
    store.close_log()


def store_group(store: Store, group: Sequence[Record]) -> bytes:
    """What is said of them: an errno each, 0 for one that is durable."""
    messages = [Incoming.of(store, each) for each in group]
    failures = store.commit_group(messages)
    codes = [failures[each].errno or errno.EIO if each in failures else 0 for each in messages]
    return struct.pack(f"<{len(codes)}i", *codes)


class Requests:
    """Octets as they come, and the messages in them."""

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0

    def add(self, octets: bytes) -> None:
        self._octets, self._at = self._octets[self._at :] + octets, 0

    def take(self, most: int) -> list[Record]:
        """Those that are here whole, in order."""
        found: list[Record] = []
        octets, at = self._octets, self._at
        while len(found) < most and len(octets) - at >= _FRAME.size:
            names, message = _FRAME.unpack_from(octets, at)
            start, end = at + _FRAME.size, at + _FRAME.size + names + message
            if end > len(octets):
                break
            found.append(parsed(octets[start:end], names))
            at = end
        self._at = at
        return found
