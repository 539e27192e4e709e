"""Messages on their way into the bucket: each is answered within a time of our own, whatever happens.

A message is handed to `letterbox-bucket`. If that process ends before it has answered, the message is handed
over again, to the one that comes after it, until its time is up. The bucket keeps it once, because it has the
same key each time. A sender whose message had no answer in time may try again, and the same holds for that.

The process may be missing, hang, be stopped, or answer nonsense. None of this blocks the receiver or ends it.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from pathlib import Path

from receiver.bucket import protocol
from receiver.storage.bucket.connection import Connection
from receiver.storage.bucket.request import Request
from receiver.storage.incoming import Incoming
from receiver.system.journal import log

DEADLINE = 15.0  # seconds; the process gives up after 14, so mostly we hear why
_MOST_NUMBERS = 2**31
_FULL = {errno.ENOBUFS, errno.ENOSPC, errno.EDQUOT}  # of a reply: there is no room for the message now


class Puts:
    """Hands messages to the socket at `path`. One event loop calls it."""

    def __init__(self, path: Path, deadline: float = DEADLINE) -> None:
        self._path, self._deadline = path, deadline
        self._connection: Connection | None = None
        self._number = 0  # of the last request
        self._requests: dict[int, Request] = {}  # that have no answer yet, in their order
        self._waiting: dict[int, asyncio.Future[None]] = {}  # for the same
        self._unsent: deque[int] = deque()  # the numbers of those that this connection has not taken yet
        self._is_lost = False  # whether the journal says so

    async def put(self, message: Incoming) -> None:
        """Return when the bucket has every copy. The message is complete, and so is its file if it has one.

        Raises OSError: ENOSPC if there is no room now, else EIO or ETIMEDOUT. The bucket may have it anyway.
        """
        loop = asyncio.get_running_loop()
        self._number = number = self._number % _MOST_NUMBERS + 1
        request = Request(number, message)
        self._requests[number] = request
        done = self._waiting[number] = loop.create_future()
        timer = loop.call_later(self._deadline, self._time_is_up, number)
        self._unsent.append(number)
        try:
            self._send()
            await done
        finally:
            timer.cancel()
            del self._requests[number], self._waiting[number]
            request.close()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _send(self) -> None:
        """Send what was not sent, as far as the connection takes it."""
        if self._connection is None:
            self._connection = Connection(self._path, self._received, self._send, self._lost)
        while self._unsent:
            number = self._unsent[0]
            # What nobody waits for any more is not sent: its descriptors may be other files by now.
            if number in self._waiting and not self._waiting[number].done():
                request = self._requests[number]
                try:
                    if not self._connection.send(request.packet, request.descriptors):
                        return
                except OSError as error:
                    self._fail(number, OSError(errno.EIO, f"it cannot be sent: {error.strerror}"))
            self._unsent.popleft()

    def _received(self, packet: bytes) -> None:
        try:
            head, _ = protocol.unpack(packet)
            number, code = protocol.value(head, "n", int), protocol.value(head, "errno", int)
        except protocol.ProtocolError as error:
            log("error", bucket=self._path, error=f"an answer makes no sense: {error}")
            return
        if self._is_lost:
            self._is_lost = False
            log("warning", bucket=self._path, note="it answers again")
        done = self._waiting.get(number)
        if done is None or done.done():
            return
        if code == 0:
            done.set_result(None)
        else:
            said = str(head.get("error") or os.strerror(code))
            done.set_exception(OSError(errno.ENOSPC if code in _FULL else errno.EIO, said))

    def _lost(self) -> None:
        """The process has gone. What it has not answered is handed to the next one."""
        self._unsent = deque(number for number, done in self._waiting.items() if not done.done())
        self._note_loss("it has hung up")

    def _note_loss(self, problem: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            note = "senders get 451 after 15 s, and try again" if self._unsent else None
            log("warning", bucket=self._path, problem=problem, note=note)

    def _time_is_up(self, number: int) -> None:
        problem = self._connection.problem if self._connection else ""
        said = problem or "no answer"
        self._note_loss(said)
        self._fail(number, OSError(errno.ETIMEDOUT, f"{self._path}: {said} within {self._deadline:g} s"))

    def _fail(self, number: int, error: OSError) -> None:
        done = self._waiting.get(number)
        if done is not None and not done.done():
            done.set_exception(error)
