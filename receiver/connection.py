"""One connection: octets in, replies out, time limits, flow control, STARTTLS.

An aiosmtpd SMTP that keeps its Session and Envelope, but not its stream. Reading stops while there is
unread input beyond a mark, and writing is waited for, so that what one connection holds is bounded.
What is said in it is in `session`, the verbs are in `commands`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd import smtp

from receiver import greeting
from receiver.begun import begun
from receiver.framing import Framing
from receiver.journal import log
from receiver.storage.incoming import Incoming
from receiver.trace import Origin, protocol

if TYPE_CHECKING:
    from receiver.reception import Envelope, Reception

_HIGH_WATER = 131_072  # octets of unread input at which reading stops
_IGNORED = 4_194_304  # octets read and thrown away after the last reply
_LINGER = 10  # seconds for the last reply to be read
# Of what aiosmtpd sets, what leads back to the one connection, and is not used: its stream, and its verbs.
_ITS_OWN = {"_client_connected_cb", "_stream_reader_wr", "_strong_reader", "_smtp_methods", "_auth_methods"}


class Connection(smtp.SMTP):
    """What any conversation needs. `reception` says who may connect."""

    # Set by connection_made, before anything else is called.
    envelope: Envelope
    session: smtp.Session
    transport: asyncio.Transport | None

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        if reception.pattern:
            vars(self).update(reception.pattern)
        else:
            super().__init__(
                reception, hostname=reception.config.hostname, ident="ESMTP Letterbox", loop=loop,
                enable_SMTPUTF8=True, data_size_limit=reception.config.limits.message_size,
            )  # fmt: skip
            reception.pattern = {name: of for name, of in vars(self).items() if name not in _ITS_OWN}
        self.reception = reception
        self.limits = reception.config.limits
        self.peer = ""
        self.message: Incoming | None = None  # under way: what comes in is its content
        self.in_content = False
        self.closing = False
        self.heard = loop.time()  # when the peer last said something
        self.errors = 0
        self.commands = 0
        self._framing = Framing(command_line=self.limits.command_length, line=self.limits.line_length)
        self._replies: list[bytes] = []
        self._busy = False
        self._counted = False  # among the open connections
        self._greeted = False
        self._greeting: asyncio.TimerHandle | None = None  # while the greeting is delayed
        self._spoken = False  # anything at all
        self._eof = False
        self._ignored = 0  # octets that came after our last word
        self._reading = True
        self._writable: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._soonest = min(self.limits.command_timeout, self.limits.data_timeout)

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.session = self._create_session()
        self.session.peer = transport.get_extra_info("peername")
        self.peer = _peer(self.session.peer)
        self.envelope = self._create_envelope()
        refusal = self.reception.enter(self, self.peer)
        if refusal:
            self.reply(refusal)
            self.close()
            return
        self._counted = True
        self.set_deadline(self.limits.command_timeout + self.limits.greeting_delay)
        if self.limits.greeting_delay:
            self._greeting = self.loop.call_later(self.limits.greeting_delay, self._greet)
        else:
            self._greet()

    def _greet(self) -> None:
        if self.closing or self.transport is None:
            return
        if greeting.spoke_already(self.transport):
            self._too_early()
            return
        self.reply(f"220 {self.hostname} {self.__ident__}")
        self.flush()
        self._greeted = True

    def _too_early(self) -> None:
        self.hang_up(
            "421 4.5.0 You spoke before our greeting, closing the connection", "spoke before the greeting"
        )

    def connection_lost(self, error: Exception | None) -> None:
        """The peer is gone. May be called again: see `lost_in_handshake`."""
        self.closing = True
        self.transport = None
        for timer in (self._timer, self._greeting):
            if timer:
                timer.cancel()
        self._timer = self._greeting = None
        self.resume_writing()
        if self.message and not self._busy:
            self._start(self._abandon_and_leave())
        else:
            self._leave()

    def lost_in_handshake(self, plain: asyncio.Transport, error: Exception | None) -> None:
        """Close a connection whose TLS handshake failed, in whatever way.

        asyncio and uvloop call `connection_lost` for some of the ways in which a handshake fails, and not for
        others (a reset; with asyncio also the end of its time). So we do it, too.
        """
        plain.abort()
        self.connection_lost(error)

    def _leave(self) -> None:
        """Give up the place among the open connections: once the peer is gone, and the work for it is done.

        Work that goes on holds its place, so that those who send and vanish can pile up no more of it than
        those who stay.
        """
        if self._counted and self.transport is None and not self._busy:
            self._counted = False
            self.reception.leave(self, self.peer)

    async def _abandon_and_leave(self) -> None:
        try:
            await self.abandon()
        finally:
            self._busy = False
            self._leave()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            self._ignored += len(data)
            if self._ignored > _IGNORED and self.transport:
                self.transport.abort()
            return
        self.heard = self.loop.time()
        if not self._spoken:
            self._spoken = True
            if not self._greeted or (self.transport and greeting.greeting_unseen(self.transport)):
                self._too_early()
                return
        self._framing.receive(data)
        if not self._busy:
            self._start(self.converse())
        elif self._framing.waiting > _HIGH_WATER and self._reading and self.transport:
            self._reading = False
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        # A half-closed sender may still be waiting for the reply to what it sent.
        self._eof = True
        if not self._busy and not self.closing:
            self.close()
        return self._busy and not self.closing and self.session.ssl is None

    def pause_writing(self) -> None:
        self._writable = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _create_envelope(self) -> Envelope:
        return self.reception.envelope()

    # Replies

    def reply(self, text: str) -> None:
        """Add a reply; it is sent with the others when input runs out."""
        self._replies.append(text.encode("utf-8", "replace") + b"\r\n")
        if text[0] == "5":
            self.errors += 1

    async def push(self, status: str | bytes) -> None:
        self.reply(status if isinstance(status, str) else status.decode("utf-8", "replace"))

    def flush(self) -> None:
        if self._replies and self.transport and not self.transport.is_closing():
            self.transport.write(b"".join(self._replies))
        self._replies.clear()

    async def sent(self) -> None:
        """Send what is gathered and wait until a slow reader has taken most of it."""
        self.flush()
        if self._writable:
            await self._writable

    def close(self) -> None:
        """Send what is gathered and hang up."""
        self.flush()
        self.closing = True
        if self.transport:
            self.transport.close()
            self.set_deadline(_LINGER)

    @property
    def in_message(self) -> bool:
        """Something is under way that should come to its end."""
        return self.in_content or self._busy or self.message is not None

    def hang_up(self, reply: str, reason: str) -> None:
        """Give the last reply, log why, and close once that has been read.

        Closing with input unread would reset the connection, and the reply might be lost with it.
        """
        log("refused", peer=self.peer, reason=reason)
        self.reply(reply)
        if self.transport is None or self.transport.is_closing() or not self.transport.can_write_eof():
            self.close()
            return
        self.flush()
        self.closing = True
        self.set_deadline(_LINGER)
        try:
            self.transport.write_eof()
            self.transport.resume_reading()
        except (OSError, RuntimeError):  # the peer is gone, and the loop has not noticed yet
            self.transport.abort()

    # Work

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work as far as it goes without waiting; only what is left of it becomes a task."""
        self._busy = True
        task = begun(work, self.loop)
        if task is None:
            return
        self.reception.tasks.add(task)
        task.add_done_callback(self.reception.tasks.discard)

    def _resume_reading(self) -> None:
        if not self._reading and self.transport and not self.closing:
            self._reading = True
            self.transport.resume_reading()

    async def converse(self) -> None:
        """Obey what has been received, until more is needed."""
        raise NotImplementedError

    async def abandon(self) -> None:
        """Forget the message under way."""
        raise NotImplementedError

    # Time

    def set_deadline(self, seconds: float) -> None:
        """Hang up after that many seconds, unless a new deadline is set before."""
        if self.transport is None:
            return  # a timer would keep what has ended
        now = self.loop.time()
        self._deadline = now + seconds
        if self._timer_at > self._deadline:
            if self._timer:
                self._timer.cancel()
            # Not later than the next deadline can be, so that this one nearly always will do.
            self._timer_at = now + min(seconds, self._soonest)
            self._timer = self.loop.call_at(self._timer_at, self._timeout_cb)

    def _timeout_cb(self) -> None:
        self._timer, self._timer_at = None, math.inf
        left = self._deadline - self.loop.time()
        if left > 0:
            self.set_deadline(left)
        elif self.closing:
            if self.transport:
                self.transport.abort()  # the last reply found no reader
        elif self._busy and self._writable is None:
            self.set_deadline(_LINGER)  # it is we who are slow
        else:
            self.hang_up(f"421 4.4.2 {self.hostname} Timed out, closing the connection", "timed out")

    # Facts about the connection

    def origin(self) -> Origin:
        """For the Received field."""
        session = self.session
        tls = None
        if session.ssl is not None:
            tls = f"{session.ssl['version']} {session.ssl['cipher']}"
        with_ = protocol(extended=session.extended_smtp, tls=tls is not None, utf8=self.envelope.smtp_utf8)
        return Origin(session.host_name or "", self.peer, with_, tls)


def _peer(name: Any) -> str:
    """The IP address of a socket's peer name; IPv4 in its own form also on an IPv6 socket."""
    if not isinstance(name, tuple):
        return ""
    return str(name[0]).removeprefix("::ffff:")
