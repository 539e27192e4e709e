"""Replies on their way to a peer, who may not read them."""

from __future__ import annotations

import asyncio

from receiver.smtp.replies import Reply


class Outgoing:
    """Gathers replies, so that those to what came in one piece go out in one piece."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.WriteTransport | None = None
        self._loop = loop
        self._gathered: list[bytes] = []
        self._writable: asyncio.Future[None] | None = None  # while the peer does not read

    def __len__(self) -> int:
        """How many replies wait to be sent."""
        return len(self._gathered)

    def add(self, reply: Reply) -> None:
        self._gathered.append(reply.octets)

    def flush(self) -> None:
        """Send what is gathered. It is lost where the peer is gone."""
        if self._gathered and self.transport and not self.transport.is_closing():
            self.transport.write(b"".join(self._gathered))
        self._gathered.clear()

    @property
    def is_stuck(self) -> bool:
        """The peer does not read: so much waits in the transport that we wait, too."""
        return self._writable is not None

    async def sent(self) -> bool:
        """Send what is gathered, and wait for a slow reader; whether there was anything to wait for."""
        self.flush()
        if self._writable is None:
            return False
        await self._writable
        return True

    # From the transport

    def pause(self) -> None:
        self._writable = self._loop.create_future()

    def resume(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
