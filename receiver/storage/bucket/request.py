"""The request that hands one message to `letterbox-bucket`: a packet, and the descriptors that go with it.

Content of up to 64 KiB is in the packet. What is larger and still in memory goes into a memfd. What was
written to tmp/ goes as that file, the first copy's, so nothing is copied. The fields of all copies are in the
packet, or in a memfd of their own if they are many.
"""

from __future__ import annotations

import os

from receiver.bucket import protocol
from receiver.bucket.client import memfd
from receiver.bucket.protocol import Copy, Put
from receiver.storage.incoming import Incoming


class Request:
    """A request. `close` it when it has been answered or given up."""

    __slots__ = ("_own", "descriptors", "packet")

    def __init__(self, number: int, message: Incoming) -> None:
        """Take over what the message holds in memory. Raises OSError."""
        copies = [Copy(each.mailbox, each.fields) for each in message.copies]
        self._own: list[int] = []
        size = message.trace + message.size
        at = len(copies[0].fields) if message.files else 0
        put = Put(message.name, message.sender, copies, message.trace, size, at)
        is_inline = not message.files and size <= protocol.MAX_INLINE
        self.packet, lead = protocol.pack_put(number, put, message.pieces if is_inline else None)
        try:
            if lead:
                self._own.append(memfd(lead))
            if not is_inline and not message.files:
                self._own.append(memfd(b"".join(message.pieces)))
        except BaseException:
            self.close()
            raise
        self.descriptors = [*self._own, *message.files[:1]]
        message.pieces.clear()

    def close(self) -> None:
        """Close what the request has opened. The file in tmp/ is the message's."""
        own, self._own = self._own, []
        for fd in own:
            os.close(fd)
