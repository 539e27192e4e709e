"""The greeting, and early talkers: peers that speak before they have seen it (RFC 5321 section 4.3.1).

Programs that send their commands to any open port are early talkers; senders that follow SMTP never are. We
need not wait to detect one. Input that is there before we greet was sent too early. So was input that arrives
while our greeting is unacknowledged, because each TCP segment acknowledges what its sender has received. The
kernel tells both (tcp(7): FIONREAD, SIOCOUTQ). If the kernel cannot tell, the peer is no early talker.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable

_SIOCOUTQ = termios.TIOCOUTQ  # the same number (linux/sockios.h)


class Greeting:
    """Calls `greet`, at once or after a delay, or calls `too_early` if the peer speaks before that."""

    def __init__(self, greet: Callable[[], object], too_early: Callable[[], object]) -> None:
        self._greet, self._too_early = greet, too_early
        self._timer: asyncio.TimerHandle | None = None
        self._greeted = False
        self._has_input = False

    def begin(self, transport: asyncio.BaseTransport, delay: float, loop: asyncio.AbstractEventLoop) -> None:
        """Greet after `delay` seconds; at once if it is 0."""
        if delay:
            self._timer = loop.call_later(delay, self._now, transport)
        else:
            self._now(transport)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def accepts_input(self, transport: asyncio.BaseTransport | None) -> bool:
        """Whether input that has arrived may be used. Ask before using any.

        Calls `too_early` and returns False if the input came too early.
        """
        if self._has_input:
            return True
        self._has_input = True
        self.stop()
        if self._greeted and not _greeting_in_flight(transport):
            return True
        self._too_early()
        return False

    def _now(self, transport: asyncio.BaseTransport) -> None:
        if _has_spoken(transport):
            self._too_early()
        else:
            self._greeted = True
            self._greet()


def _has_spoken(transport: asyncio.BaseTransport) -> bool:
    """Whether there is unread input."""
    return _queued(transport, termios.FIONREAD) > 0


def _greeting_in_flight(transport: asyncio.BaseTransport | None) -> bool:
    """Whether the peer has not yet acknowledged the greeting."""
    return _queued(transport, _SIOCOUTQ) > 0


def _queued(transport: asyncio.BaseTransport | None, request: int) -> int:
    """The octets in one of the socket's queues (ioctl(2)); 0 if the kernel cannot tell."""
    if transport is None:
        return 0
    socket = transport.get_extra_info("socket")
    try:
        return int(struct.unpack("i", fcntl.ioctl(socket.fileno(), request, struct.pack("i", 0)))[0])
    except (AttributeError, OSError, ValueError):
        return 0
