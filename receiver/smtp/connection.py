"""The transport of one connection: octets in, replies out, time limits, flow control and STARTTLS.

The class is an aiosmtpd `SMTP` that keeps aiosmtpd's Session and Envelope, but not its stream. We stop
reading while there is much unread input, and wait while a peer does not read our replies, so the memory of
one connection is bounded. The commands and replies are in `conversation`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from aiosmtpd import smtp

from receiver.loop.deadline import Deadline
from receiver.loop.eager import eager_task
from receiver.smtp import replies
from receiver.smtp.certificate import Certificate
from receiver.smtp.conversation import Conversation
from receiver.smtp.early_talker import Greeting
from receiver.smtp.open_connections import OpenConnections
from receiver.smtp.outgoing import Outgoing
from receiver.smtp.phase import Phase
from receiver.smtp.reception import Reception
from receiver.smtp.replies import Reply
from receiver.smtp.starttls import HandshakeFailed, upgrade_to_tls
from receiver.smtp.transaction.trace import TLS, peer_address
from receiver.smtp.verbs import VERBS
from receiver.system.journal import log

_HIGH_WATER = 131_072  # octets of unread input over which we stop reading
_MOST_IGNORED = 4_194_304  # octets that we read and discard after our last reply
_LINGER = 10  # seconds that the peer has to read our last reply


class Connection(smtp.SMTP):
    """The protocol of one transport."""

    # connection_made sets these, before any other method is called.
    session: smtp.Session
    transport: asyncio.Transport | None

    def __init__(
        self,
        reception: Reception,
        connections: OpenConnections,
        certificate: Certificate | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        # We do not call aiosmtpd's constructor. It searches each instance for hooks, verbs and AUTH
        # mechanisms and makes a stream, which only methods need that are replaced here. That took 270 µs for
        # each connection, and this constructor takes 10 µs. `test_aiosmtpd` proves that a peer can reach none
        # of the methods that need those attributes.
        self.loop = loop
        self.hostname = reception.config.hostname
        self.limits = reception.config.limits
        self.certificate = certificate
        self.transport = None
        self.peer = ""
        self.last_heard = loop.time()  # when octets last arrived
        self.talk = Conversation(self, reception, VERBS)
        self._connections = connections
        self.outgoing = Outgoing(loop)
        self._busy = False  # whether the conversation is running
        self._counted = False  # whether this connection has a place among the open connections
        self._eof = False  # whether the peer has closed its half of the connection
        self._ignored = 0  # octets that arrived after our last reply
        self._reading = True  # whether the transport reads
        self._greeting = Greeting(
            self._greet, lambda: self.hang_up(replies.SPOKE_EARLY, "spoke before the greeting")
        )
        shortest = min(self.limits.command_timeout, self.limits.data_timeout)
        self.deadline = Deadline(loop, shortest, self._time_is_up)

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = self.outgoing.transport = cast(asyncio.Transport, transport)
        self.new_session(None)
        self.peer = peer_address(self.session.peer)
        refusal = self._connections.enter(self, self.peer)
        if refusal:
            self.close(refusal)
            return
        self._counted = True
        self.deadline.set(self.limits.command_timeout + self.limits.greeting_delay)
        self._greeting.begin(transport, self.limits.greeting_delay, self.loop)

    def _greet(self) -> None:
        self.outgoing.add(replies.greeting(self.hostname))
        self.outgoing.flush()
        self.talk.enter(Phase.COMMANDS)

    def connection_lost(self, error: Exception | None) -> None:
        """The peer is gone. The loop may call this twice (see `starttls.HandshakeFailed`)."""
        self.talk.enter(Phase.CLOSING)
        self.transport = self.outgoing.transport = None
        self.deadline.stop()
        self._greeting.stop()
        self.resume_writing()
        if (self.talk.message or self.talk.envelope.check) and not self._busy:
            self._start(self.talk.abandon())
        else:
            self._leave()

    def data_received(self, data: bytes) -> None:
        if self.is_closing:
            self._ignored += len(data)
            if self._ignored > _MOST_IGNORED:
                self.abort()
            return
        self.last_heard = self.loop.time()
        if not self._greeting.accepts_input(self.transport):
            return
        framing = self.talk.framing
        framing.receive(data)
        if not self._busy:
            self._start(self.talk.converse())
        elif framing.waiting > _HIGH_WATER and self._reading and self.transport:
            self._reading = False
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        # After closing its half, a sender may still wait for the replies to what it sent.
        self._eof = True
        if not self._busy and not self.is_closing:
            self.close()
        return self._busy and not self.is_closing and self.session.ssl is None

    def pause_writing(self) -> None:
        self.outgoing.pause()

    def resume_writing(self) -> None:
        self.outgoing.resume()

    @property
    def is_closing(self) -> bool:
        return self.talk.phase is Phase.CLOSING

    @property
    def is_working(self) -> bool:
        """Whether a command is running or a message is arriving, which a shutdown should wait for."""
        return self._busy or self.talk.phase is Phase.CONTENT or self.talk.message is not None

    def close(self, reply: Reply | None = None) -> None:
        """Send the gathered replies and the last reply, if one is given, and close the connection."""
        if reply:
            self.outgoing.add(reply)
        self.outgoing.flush()
        self.talk.enter(Phase.CLOSING)
        if self.transport:
            self.transport.close()
            self.deadline.set(_LINGER)

    def abort(self) -> None:
        if self.transport:
            self.transport.abort()

    def hang_up(self, reply: Reply, reason: str) -> None:
        """Send the last reply, log the reason, and close the connection after the peer has read the reply.

        Closing it with input unread would reset the connection, and the reply might be lost.
        """
        log("refused", peer=self.peer, reason=reason)
        self.outgoing.add(reply)
        if self.transport is None or self.transport.is_closing() or not self.transport.can_write_eof():
            self.close()
            return
        self.outgoing.flush()
        self.talk.enter(Phase.CLOSING)
        self.deadline.set(_LINGER)
        try:
            self.transport.write_eof()
            self.transport.resume_reading()
        except (OSError, RuntimeError):  # The peer is gone, and the loop has not noticed it yet.
            self.abort()

    def _leave(self) -> None:
        """Give up the place among the open connections, if the peer is gone and the work for it is done.

        Work that goes on keeps the place. So senders that vanish cannot cause more work at a time than
        senders that stay.
        """
        if self._counted and self.transport is None and not self._busy:
            self._counted = False
            self._connections.leave(self, self.peer)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the work up to its first wait. If it has to wait, a task runs the rest."""
        self._busy = True
        task = eager_task(work, self.loop, self._work_ended)
        if task:
            self._connections.add_task(task)

    def _work_ended(self) -> None:
        self._busy = False
        self._leave()
        if self.is_closing or self.transport is None:
            return
        if self._eof:
            self.close()
        elif not self._reading:
            self._reading = True
            self.transport.resume_reading()

    async def start_tls(self) -> None:
        """Change to TLS, or hang up. Discards the input from before the handshake (RFC 3207 section 4.2)."""
        if self.transport is None or self.certificate is None:
            return
        plain = self.transport
        plain.pause_reading()
        self._reading = False
        self.talk.framing.discard()
        await self.outgoing.drain()
        if self.is_closing:
            return
        self.talk.enter(Phase.HANDSHAKE)
        self.deadline.set(self.limits.command_timeout)
        try:
            context, seconds = self.certificate.context(), self.limits.command_timeout
            secured, tls = await upgrade_to_tls(self.loop, plain, self, context, seconds)
        except HandshakeFailed as error:
            log("refused", peer=self.peer, reason=f"TLS handshake failed: {error}")
            self.connection_lost(None)
            return
        if self.is_closing:
            secured.abort()
            return
        self.transport = self.outgoing.transport = secured
        self._reading = True
        self.new_session(tls)
        self.talk.enter(Phase.COMMANDS)

    def new_session(self, tls: TLS | None) -> None:
        """Begin a session. After STARTTLS nothing is kept of the session before it (RFC 3207 section 4.2)."""
        assert self.transport
        self.session = smtp.Session(self.loop)
        self.session.peer = self.transport.get_extra_info("peername")
        self.session.ssl = tls  # type: ignore[assignment]  # aiosmtpd would keep a dictionary here

    def _time_is_up(self) -> None:
        if self.is_closing:
            self.abort()  # The peer has not read our last reply in time.
        elif self._busy and not self.outgoing.is_stuck:
            self.deadline.set(_LINGER)  # We are slow, not the peer.
        else:
            self.hang_up(replies.timed_out(self.hostname), "timed out")
