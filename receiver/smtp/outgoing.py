"""The replies of a connection on their way to the peer, which may be slow to read them."""

from __future__ import annotations

import asyncio

from receiver.smtp.replies import Reply


class Outgoing:
    """Gathers replies, so that the replies to pipelined commands are sent in one piece (RFC 2920)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self._loop = loop
        self._gathered: list[bytes] = []
        self._writable: asyncio.Future[None] | None = None  # exists while the transport's buffer is full

    def __len__(self) -> int:
        """The number of gathered replies."""
        return len(self._gathered)

    def add(self, reply: Reply) -> None:
        self._gathered.append(reply.octets)

    def flush(self) -> None:
        """Give the gathered replies to the transport. If the peer is gone, they are lost."""
        if self._gathered and self.transport and not self.transport.is_closing():
            self.transport.write(b"".join(self._gathered))
        self._gathered.clear()

    @property
    def is_stuck(self) -> bool:
        """Whether the peer does not read, and the transport's buffer is full because of that."""
        return self._writable is not None

    async def drain(self) -> bool:
        """Flush, and wait while the transport's buffer is full. Returns whether it had to wait."""
        self.flush()
        if self._writable is None:
            return False
        await self._writable
        return True

    def pause(self) -> None:
        """The transport's buffer is full (`asyncio.BaseProtocol.pause_writing`)."""
        self._writable = self._loop.create_future()

    def resume(self) -> None:
        """The transport's buffer has room again (`asyncio.BaseProtocol.resume_writing`)."""
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
