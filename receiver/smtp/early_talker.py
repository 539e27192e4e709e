"""Did the other side speak before it can have seen our greeting? (RFC 5321 section 3.1: it must not.)

Programs that shout their commands at any open port do; a sender that speaks SMTP never does. No waiting is
needed to tell: what is readable before we greet was sent too early, and so was what arrives while the
greeting is still unacknowledged, as every segment a sender sends after it has got the greeting acknowledges
it. Both are asked of the kernel (tcp(7): FIONREAD, SIOCOUTQ); where it cannot say, nobody is too early.
"""

from __future__ import annotations

import fcntl
import struct
import termios
from asyncio import BaseTransport

_SIOCOUTQ = termios.TIOCOUTQ


def spoke_already(transport: BaseTransport) -> bool:
    """Whether there is input, to be asked before the greeting is sent."""
    return _queued(transport, termios.FIONREAD) > 0


def greeting_unseen(transport: BaseTransport) -> bool:
    """Whether the greeting is still under way, to be asked at the first input."""
    return _queued(transport, _SIOCOUTQ) > 0


def _queued(transport: BaseTransport, request: int) -> int:
    socket = transport.get_extra_info("socket")
    try:
        return int(struct.unpack("i", fcntl.ioctl(socket.fileno(), request, struct.pack("i", 0)))[0])
    except (AttributeError, OSError, ValueError):
        return 0
