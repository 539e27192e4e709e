"""The receiver's connection to `letterbox-bucket`, for its event loop: whole packets, and it connects again.

It never blocks. A socket whose other end does not read, because its process hangs or was stopped, takes a few
packets; the others stay with the caller.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from receiver.bucket import protocol

_PAUSES = (0, 0.02, 0.05, 0.1, 0.25)  # seconds before each next try; the last one before all that follow
_BUSY = 0.02  # seconds after which a packet is sent again that the kernel has no room for
_MOST = 64  # replies that are read at once, so that others have their turn
# The kernel has no room for the packet or its descriptors, whoever reads at the other end.
_NO_ROOM = {errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS}


class Connection:
    """A connection to the socket at `path`. Make it, and call all of it, in the event loop.

    `received` is called with each packet that comes. `may_send` is called when there is a new connection, and
    when a packet can be sent that could not be before. `lost` is called when the other end has gone.
    """

    def __init__(
        self,
        path: Path,
        received: Callable[[bytes], object],
        may_send: Callable[[], object],
        lost: Callable[[], object],
    ) -> None:
        self.problem = ""  # why there is no connection; empty if there is one, or none was wanted yet
        self._path, self._received, self._may_send, self._lost = path, received, may_send, lost
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._failures = 0  # connections that were not made or were lost, since something was received
        self._waits_for_room = False
        self._timer: asyncio.TimerHandle | None = None

    def send(self, packet: bytes, descriptors: Sequence[int]) -> bool:
        """Send a packet. False if it cannot be sent now; `may_send` is called when it is worth a try.

        Without a connection, this makes one. Raises OSError if the packet can never be sent.
        """
        if self._socket is None:
            if self._timer is None:
                self._connect()
            if self._socket is None:
                return False
        try:
            if descriptors:
                socket.send_fds(self._socket, [packet], descriptors)
            else:
                self._socket.send(packet)
        except BlockingIOError:
            if not self._waits_for_room:
                self._waits_for_room = True
                self._loop.add_writer(self._socket, self._has_room)
            return False
        except (ConnectionError, BrokenPipeError) as error:
            self._disconnect(error)
            return False
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._call_later(_BUSY, self._may_send)
            return False
        return True

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._forget_socket()

    def _connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, protocol.SEND_BUFFER)
            connected.connect(str(self._path))
        except OSError as error:  # It is not there, or so many wait to be accepted that it takes no more.
            connected.close()
            self._failed(os.strerror(error.errno or errno.EIO))
            return
        self.problem = ""
        self._socket = connected
        self._loop.add_reader(connected, self._readable)

    def _failed(self, problem: str) -> None:
        """Note why there is no connection, and try again after a pause."""
        self.problem = problem
        pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1
        self._call_later(pause, self._may_send)

    def _call_later(self, seconds: float, work: Callable[[], object]) -> None:
        """Do work after a while, unless something is to be done already."""

        def do() -> None:
            self._timer = None
            work()

        if self._timer is None:
            self._timer = self._loop.call_later(seconds, do)

    def _has_room(self) -> None:
        self._stop_waiting()
        self._may_send()

    def _stop_waiting(self) -> None:
        if self._waits_for_room and self._socket is not None:
            self._loop.remove_writer(self._socket)
        self._waits_for_room = False

    def _readable(self) -> None:
        for _ in range(_MOST):
            if self._socket is None:
                return
            try:
                packet = self._socket.recv(protocol.MAX_REPLY)
            except BlockingIOError:
                return
            except OSError as error:
                self._disconnect(error)
                return
            if not packet:
                self._disconnect(None)
                return
            self._failures = 0
            self._received(packet)

    def _disconnect(self, error: OSError | None) -> None:
        self._forget_socket()
        self._lost()
        self._failed((error.strerror if error else None) or "it has hung up")

    def _forget_socket(self) -> None:
        if self._socket is not None:
            self._stop_waiting()
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
