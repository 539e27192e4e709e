"""The socket: taking packets and sending replies, because asyncio has no SOCK_SEQPACKET and no descriptors.

A packet that is malformed closes its own connection and no other. Every descriptor that arrives is closed
here, or by the request that it belongs to.
"""

from __future__ import annotations

import array
import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from receiver.bucket import protocol
from receiver.bucket.protocol import ProtocolError
from receiver.system.journal import log
from services.bucket.requests import Requests

LAST = 15.0  # seconds at the end in which requests that are under way may be finished
HELD = 67_108_864  # octets of packets whose requests are under way or wait
MOST_REQUESTS = 4096  # under way or waiting
_MOST_REPLIES = 1024  # that wait for a client which does not take them
_AT_ONCE = 16  # packets of one connection before others have their turn
_NO_DESCRIPTORS = 1.0  # seconds in which no connection is taken, when no descriptors are left
_ANCILLARY = socket.CMSG_SPACE(protocol.MAX_DESCRIPTORS * array.array("i").itemsize)
_TRUNCATED = socket.MSG_TRUNC | socket.MSG_CTRUNC


class Server:
    """Serves the clients of listening sockets, which are SOCK_SEQPACKET and do not block."""

    def __init__(self, listeners: Sequence[socket.socket], requests: Requests) -> None:
        self.requests = requests
        self.buffer = bytearray(protocol.MAX_PACKET + 1)
        self.held = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self._listeners = listeners
        self._connections: set[Connection] = set()
        self._loop = asyncio.get_running_loop()

    async def run(self, ended: asyncio.Event) -> None:
        """Serve until `ended` is set. What is under way then is finished, within LAST seconds."""
        for each in self._listeners:
            self._loop.add_reader(each, self._accept, each)
        await ended.wait()
        for each in self._listeners:
            self._loop.remove_reader(each)
        for connection in self._connections:
            connection.stop_reading()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=LAST)
        for connection in list(self._connections):
            connection.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connected, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            log("accept", errno=errno.errorcode.get(error.errno or 0))
            self._loop.remove_reader(listener)
            self._loop.call_later(_NO_DESCRIPTORS, self._loop.add_reader, listener, self._accept, listener)
            return
        connected.setblocking(False)
        self._connections.add(Connection(connected, self))

    def forget(self, connection: Connection) -> None:
        self._connections.discard(connection)

    @property
    def is_full(self) -> bool:
        """Whether no further request may wait."""
        return self.held > HELD or len(self.tasks) >= MOST_REQUESTS


class Connection:
    """One client."""

    def __init__(self, connected: socket.socket, server: Server) -> None:
        self._socket = connected
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._replies: deque[tuple[bytes, int]] = (
            deque()
        )  # that could not be sent yet, with a descriptor or -1
        self._is_open = True
        with suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, protocol.SEND_BUFFER)
        self._loop.add_reader(connected, self._readable)

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                size, ancillary, flags, _ = self._socket.recvmsg_into(
                    [self._server.buffer], _ANCILLARY, socket.MSG_CMSG_CLOEXEC
                )
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.close()
                return
            fds = _descriptors(ancillary)
            if not size or flags & _TRUNCATED or len(fds) > protocol.MAX_DESCRIPTORS:
                _close(fds)
                if size:
                    log("malformed", reason="a packet has too many octets or descriptors")
                self.close()
                return
            self._begin(bytes(memoryview(self._server.buffer)[:size]), fds)
            if not self._is_open:
                return

    def _begin(self, packet: bytes, fds: list[int]) -> None:
        server = self._server
        if server.is_full:
            _close(fds)
            self._refuse(packet)
            return
        server.held += len(packet)
        task = self._loop.create_task(self._serve(packet, fds))
        server.tasks.add(task)
        task.add_done_callback(server.tasks.discard)

    async def _serve(self, packet: bytes, fds: list[int]) -> None:
        try:
            await self._server.requests.serve(packet, fds, self.send)
        except ProtocolError as error:
            log("malformed", reason=str(error))
            self.close()
        finally:
            self._server.held -= len(packet)

    def _refuse(self, packet: bytes) -> None:
        try:
            number = protocol.value(protocol.unpack(packet)[0], "n", int)
        except ProtocolError:
            self.close()
            return
        self.send(protocol.pack_reply(number, errno.ENOBUFS, "too many requests are under way"), -1)

    def send(self, packet: bytes, fd: int) -> None:
        """Send a reply, now or as soon as the client takes it. The descriptor stays the caller's."""
        if not self._is_open:
            return  # Its client has hung up, and has lost no more than this reply.
        if not self._replies:
            if self._try(packet, fd):
                return
            self._loop.add_writer(self._socket, self._writable)
        if len(self._replies) >= _MOST_REPLIES:
            log("hung_up", reason="a client does not take its replies")
            self.close()
        elif self._is_open:
            self._replies.append((packet, os.dup(fd) if fd >= 0 else -1))

    def _try(self, packet: bytes, fd: int) -> bool:
        """Send a reply. False if it must wait. Closes the connection if the client has gone."""
        try:
            if fd >= 0:
                socket.send_fds(self._socket, [packet], [fd])
            else:
                self._socket.send(packet)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            self.close()
        return True

    def _writable(self) -> None:
        while self._is_open and self._replies:
            packet, fd = self._replies[0]
            if not self._try(packet, fd):
                return
            if self._replies:  # They are gone if the client is.
                self._replies.popleft()
                _close([fd])
        if self._is_open:
            self._loop.remove_writer(self._socket)

    def stop_reading(self) -> None:
        self._loop.remove_reader(self._socket)

    def close(self) -> None:
        """Close the connection. Its requests go on, but nobody gets their replies."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        _close([fd for _, fd in self._replies])
        self._replies.clear()
        self._server.forget(self)


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came with a packet, whatever else did."""
    found = array.array("i")
    for level, kind, octets in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(octets[: len(octets) - len(octets) % found.itemsize])
    return list(found)


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)
