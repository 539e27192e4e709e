"""The greeting, and peers that speak before they can have seen it (RFC 5321 section 3.1: they must not).

Programs that shout their commands at any open port do; a sender that speaks SMTP never does. No waiting is
needed to tell: what is readable before we greet was sent too early, and so was what arrives while the
greeting is still unacknowledged, as every segment a sender sends after it has got the greeting acknowledges
it. Both are asked of the kernel (tcp(7): FIONREAD, SIOCOUTQ); where it cannot say, nobody is too early.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable

_SIOCOUTQ = termios.TIOCOUTQ


class Greeting:
    """Greets, at once or after a delay; calls `too_early` instead where the peer has spoken already."""

    def __init__(self, greet: Callable[[], object], too_early: Callable[[], object]) -> None:
        self._greet, self._too_early = greet, too_early
        self._timer: asyncio.TimerHandle | None = None
        self._greeted = False
        self._heard = False

    def begin(self, transport: asyncio.BaseTransport, delay: float, loop: asyncio.AbstractEventLoop) -> None:
        """`delay` is in seconds."""
        if delay:
            self._timer = loop.call_later(delay, self._now, transport)
        else:
            self._now(transport)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def was_awaited(self, transport: asyncio.BaseTransport | None) -> bool:
        """To be asked before input is used. False: it came too early, and that has been said."""
        if self._heard:
            return True
        self._heard = True
        self.stop()
        if self._greeted and not _greeting_unseen(transport):
            return True
        self._too_early()
        return False

    def _now(self, transport: asyncio.BaseTransport) -> None:
        if _spoke_already(transport):
            self._too_early()
        else:
            self._greeted = True
            self._greet()


def _spoke_already(transport: asyncio.BaseTransport) -> bool:
    """Whether there is input."""
    return _queued(transport, termios.FIONREAD) > 0


def _greeting_unseen(transport: asyncio.BaseTransport | None) -> bool:
    """Whether the greeting is still under way."""
    return _queued(transport, _SIOCOUTQ) > 0


def _queued(transport: asyncio.BaseTransport | None, request: int) -> int:
    if transport is None:
        return 0
    socket = transport.get_extra_info("socket")
    try:
        return int(struct.unpack("i", fcntl.ioctl(socket.fileno(), request, struct.pack("i", 0)))[0])
    except (AttributeError, OSError, ValueError):
        return 0
