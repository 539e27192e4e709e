"""The content of a message from a descriptor. It blocks, so it is called in a thread."""

from __future__ import annotations

import os
import stat

from receiver.bucket.keys import Below
from receiver.bucket.protocol import ProtocolError

_PIECE = 1_048_576  # octets that are read at once


def read(fd: int, at: int, size: int) -> bytearray:
    """`size` octets from the offset `at` of a regular file or a memfd.

    Raises ProtocolError if it is none, or has fewer octets. A pipe could hold up its reader for ever.
    """
    file = os.fstat(fd)
    if not stat.S_ISREG(file.st_mode):
        raise ProtocolError("a descriptor is not of a regular file")
    if file.st_size < at + size:
        raise ProtocolError("a descriptor has fewer octets than its packet says")
    octets = bytearray(size)
    left = memoryview(octets)
    while left:
        done = os.preadv(fd, [left[:_PIECE]], at)
        if not done:
            raise ProtocolError("a descriptor has fewer octets than its packet says")
        at, left = at + done, left[done:]
    return octets


def below(content: bytes | bytearray, trace: int) -> Below:
    """The content below our trace, for the tails of its keys."""
    found = Below()
    found.add(memoryview(content)[trace:])
    return found
