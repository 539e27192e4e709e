"""The conversation on one connection: its phase, its mail transaction, and running its commands in order.

Commands run one at a time. The replies to pipelined commands are sent in one piece (PIPELINING, RFC 2920),
and no sender keeps the event loop for long. The commands are in `verbs`; the transport is in `connection`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol, cast

from aiosmtpd import smtp

from receiver.config.values import Limits
from receiver.loop.deadline import Deadline
from receiver.smtp import replies
from receiver.smtp.certificate import Certificate
from receiver.smtp.framing import Fault, Framing
from receiver.smtp.outgoing import Outgoing
from receiver.smtp.phase import FOLLOWS, Phase
from receiver.smtp.reception import Reception
from receiver.smtp.replies import Reply
from receiver.smtp.transaction.envelope import Envelope
from receiver.smtp.transaction.message import Message
from receiver.smtp.transaction.trace import TLS, Origin, protocol_keyword
from receiver.system.journal import log

if TYPE_CHECKING:
    from receiver.checks.check import ConnectionCheck

_MOST_REPLIES = 64  # gathered replies after which they are sent
_MOST_COMMANDS = 64  # commands of one connection after which other connections have their turn
_OVERRUN = 40  # We hang up after this many times the size limit, because the message may never end.


class Wire(Protocol):
    """The connection of a conversation, as the conversation sees it (`connection.Connection`)."""

    loop: asyncio.AbstractEventLoop
    hostname: str
    limits: Limits
    certificate: Certificate | None
    peer: str
    session: smtp.Session
    outgoing: Outgoing
    deadline: Deadline

    def close(self, reply: Reply | None = None) -> None: ...
    def hang_up(self, reply: Reply, reason: str) -> None: ...
    async def start_tls(self) -> None: ...


class Conversation:
    """The state of an SMTP session: its phase, its mail transaction, its message and its counts."""

    def __init__(self, wire: Wire, reception: Reception, verbs: Mapping[bytes, Verb]) -> None:
        self.wire = wire
        self.reception = reception
        self.limits = wire.limits
        self.phase = Phase.GREETING
        self.framing = Framing(command_line=self.limits.command_length, line=self.limits.line_length)
        self.envelope = Envelope()
        self.message: Message | None = None  # the message whose content is arriving
        self.chunked = False  # whether a BDAT of this message has come
        self.accepted = 0  # messages stored in this session
        self._verbs = verbs
        self._errors = 0  # since the session began or its last message was stored
        self._commands = 0  # since the session began or its last message was stored
        self._last = False  # whether the content that arrives is the message's last chunk, or all of it
        self._refusal: Reply | None = None  # the reply that the message will get at its end
        self._size = 0  # octets of content so far
        self._until = 0.0  # when the message must have ended, by the loop's clock
        self._origin: Origin | None = None
        self._peer_check: ConnectionCheck | None = None

    def enter(self, phase: Phase) -> None:
        """Enter another phase, which must be one that may follow (`phase.FOLLOWS`)."""
        assert phase in FOLLOWS[self.phase], f"{phase} does not follow {self.phase}"
        self.phase = phase

    def reply(self, reply: Reply) -> None:
        if reply.is_refusal:
            self._errors += 1
        self.wire.outgoing.add(reply)

    @property
    def origin(self) -> Origin:
        """The origin of this transaction's mail. It is known after MAIL."""
        if self._origin is None:
            session = self.wire.session
            tls, utf8 = cast(TLS | None, session.ssl), self.envelope.smtp_utf8
            keyword = protocol_keyword(extended=session.extended_smtp, tls=tls is not None, utf8=utf8)
            self._origin = Origin(session.host_name or "", self.wire.peer, keyword, tls)
        return self._origin

    def begin_check(self) -> None:
        """Begin the checks of this transaction's sender, if there are checks and they have not begun.

        A message of the host's own heartbeat has no sender to check.
        """
        checks, envelope = self.reception.checks, self.envelope
        if checks is None or envelope.check is not None or envelope.is_heartbeat:
            return
        if self._peer_check is None:
            self._peer_check = checks.connection(self.wire.peer)
        envelope.check = self._peer_check.message(self.origin.helo, envelope.mail_from or "")

    async def converse(self) -> None:
        """Run the commands and take the content that have been received, until more input is needed."""
        steps = 0
        try:
            while self.phase is not Phase.CLOSING:
                if await self._step():
                    steps += 1
                    if len(self.wire.outgoing) >= _MOST_REPLIES:
                        await self.wire.outgoing.drain()
                    if steps % _MOST_COMMANDS == 0:
                        await asyncio.sleep(0)
                elif not await self.wire.outgoing.drain():
                    break  # If it had to wait, input may have arrived meanwhile.
        except Exception as error:
            # The error is in our program. The sender may try again, and is told nothing about the error.
            log("error", peer=self.wire.peer, error=f"{type(error).__name__}: {error}")
            self.wire.close(replies.INTERNAL_ERROR)
        if self.phase is Phase.CLOSING:
            await self.abandon()

    async def _step(self) -> bool:
        """Take the next piece of content, or run the next command. False if more input is needed."""
        if self.phase is Phase.CONTENT:
            piece = self.framing.content()
            if piece is None:
                return False
            await self._content_received(*piece)
        else:
            line = self.framing.command()
            if line is None:
                return False
            await self._run_command(line)
        return True

    async def _run_command(self, line: bytes | Fault) -> None:
        self._commands += 1
        if isinstance(line, Fault):
            self.reply(replies.not_understood(line.value))
        else:
            word, _, argument = line.partition(b" ")
            verb = self._verbs.get(word.upper())
            if verb is None:
                self.reply(replies.NOT_RECOGNISED)
            else:
                await verb(self, argument.decode("utf-8", "surrogateescape").strip(" \t"))
        if self.phase is not Phase.COMMANDS:
            return
        self.wire.deadline.set(self.limits.command_timeout)
        if self._errors > self.limits.errors:
            self.wire.hang_up(replies.TOO_MANY_ERRORS, "too many errors")
        elif self._commands > self.limits.commands:
            self.wire.hang_up(replies.TOO_MANY_COMMANDS, "too many commands")

    # A message, after DATA or BDAT

    def begin_data(self) -> None:
        """Take what arrives next for a message, up to CRLF.CRLF."""
        self._begin_content()
        self._last = True
        self.framing.begin_data()

    async def begin_chunk(self, size: int, *, last: bool, refusal: Reply | None) -> None:
        """Take what arrives next for a chunk of `size` octets. `refusal` refuses the whole message."""
        if self.chunked:
            self.enter(Phase.CONTENT)
        else:
            self._begin_content()
            self._refusal, self.chunked = refusal, True
        self._last = last
        self.framing.begin_chunk(size)
        if size == 0:
            await self._content_received(b"", True)

    def _begin_content(self) -> None:
        self.enter(Phase.CONTENT)
        self._refusal, self._size = None, 0
        self.framing.begin_message()
        if self.envelope.rcpt_tos:
            self.message = self.reception.begin_message(self.origin, self.envelope)
        self._until = self.wire.loop.time() + self.limits.message_timeout
        self.wire.deadline.set(self.limits.data_timeout)

    async def _content_received(self, piece: bytes, ended: bool) -> None:
        left = self._until - self.wire.loop.time()
        self.wire.deadline.set(max(0, min(self.limits.data_timeout, left)))
        self._size += len(piece)
        limit = self.limits.message_size
        if self._size > limit and not self._refusal:
            self._refusal = replies.too_large(limit)
        if self._size > limit * _OVERRUN:
            self.wire.hang_up(replies.too_large(limit, closing=True), "message far too large")
            return
        if self.message and not self._refusal:
            self._refusal = await self.reception.add_content(self.origin, self.envelope, self.message, piece)
        if self._refusal and self.message:
            await self.abandon()
        if ended and self.phase is Phase.CONTENT:
            self.enter(Phase.COMMANDS)
            await (self._message_ended() if self._last else self._chunk_ended())

    async def _chunk_ended(self) -> None:
        """A chunk has ended that is not the last of its message."""
        self.reply(self._refusal or replies.chunk_ok(self._size))
        if self.envelope.mail_from is None:
            self.chunked = False  # Without MAIL there is no transaction that this chunk could belong to.

    async def _message_ended(self) -> None:
        inspection = self.framing.inspection
        inspection.end()
        if inspection.fault and self._refusal in (None, replies.HEADER_TOO_LARGE):
            enhanced = "5.6.0" if inspection.fault in (Fault.NUL, Fault.TOO_LONG) else "5.5.2"
            self._refusal = replies.refused(enhanced, inspection.fault.value)
        self.wire.outgoing.flush()
        message, self.message = self.message, None
        reply = await self.reception.end_message(self.origin, self.envelope, message, self._refusal)
        if reply.is_success:
            self.accepted += 1
            self._commands = self._errors = 0
        self.reply(reply)
        await self.reset()

    async def reset(self) -> None:
        """End the mail transaction, and forget its message (RFC 5321 section 4.1.1.5)."""
        await self.abandon()
        self.envelope = Envelope()
        self.chunked = False
        self._origin = None

    async def abandon(self) -> None:
        """Forget the message whose content is arriving, remove what was stored of it, and end its checks."""
        if self.envelope.check is not None:
            self.envelope.check.cancel()
        message, self.message = self.message, None
        if message:
            with contextlib.suppress(OSError, RuntimeError):
                await self.reception.abandon(message)


Verb = Callable[[Conversation, str], Awaitable[None]]
