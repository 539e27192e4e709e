"""The conversation on one connection: its phase, its transaction, and obeying what arrives, in order.

Commands are obeyed one at a time. Replies to what came in one piece go out in one piece (PIPELINING, RFC
2920); nobody keeps the loop for long. The verbs are in `verbs`, the transport is `connection`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, cast

from aiosmtpd import smtp

from receiver.config.values import Limits
from receiver.loop.deadline import Deadline
from receiver.smtp import replies
from receiver.smtp.certificate import Certificate
from receiver.smtp.envelope import Envelope
from receiver.smtp.framing import Fault, Framing
from receiver.smtp.outgoing import Outgoing
from receiver.smtp.phase import FOLLOWS, Phase
from receiver.smtp.reception import Reception
from receiver.smtp.replies import Reply
from receiver.smtp.trace import TLS, Origin, protocol
from receiver.storage.incoming import Incoming
from receiver.system.journal import log

_REPLIES = 64  # replies gathered before they are sent
_TURN = 64  # commands after which others have their turn
_OVERRUN = 40  # times the largest message that are read before we hang up on a sender without an end


class Wire(Protocol):
    """What a conversation needs of its connection (`connection.Connection`)."""

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
    """All that has been said on one connection, as far as it matters for what is said next."""

    def __init__(self, wire: Wire, reception: Reception, verbs: Mapping[bytes, Verb]) -> None:
        self.wire = wire
        self.reception = reception
        self.limits = wire.limits
        self.phase = Phase.GREETING
        self.framing = Framing(command_line=self.limits.command_length, line=self.limits.line_length)
        self.envelope = Envelope()
        self.message: Incoming | None = None  # under way: what comes in is its content
        self.chunked = False  # BDAT has been used for this message
        self.accepted = 0  # messages in this session
        self._verbs = verbs
        self._errors = 0  # since the session began or its last message was stored
        self._commands = 0  # the same
        self._last = False  # what comes in is the message's last chunk, or all of it
        self._refusal: Reply | None = None  # what the message will get, however it goes on
        self._size = 0  # octets of content so far
        self._until = 0.0  # when the message's time is over, by the loop's clock
        self._origin: Origin | None = None

    def enter(self, phase: Phase) -> None:
        assert phase in FOLLOWS[self.phase], f"{phase} does not follow {self.phase}"
        self.phase = phase

    def reply(self, reply: Reply) -> None:
        if reply.is_refusal:
            self._errors += 1
        self.wire.outgoing.add(reply)

    @property
    def origin(self) -> Origin:
        """Where the mail of this transaction comes from. To be asked after MAIL."""
        if self._origin is None:
            session = self.wire.session
            tls, utf8 = cast(TLS | None, session.ssl), self.envelope.smtp_utf8
            with_ = protocol(extended=session.extended_smtp, tls=tls is not None, utf8=utf8)
            self._origin = Origin(session.host_name or "", self.wire.peer, with_, tls)
        return self._origin

    async def converse(self) -> None:
        """Obey what has been received, until more is needed."""
        turn = 0
        try:
            while self.phase is not Phase.CLOSING:
                if await self._step():
                    turn += 1
                    if len(self.wire.outgoing) >= _REPLIES:
                        await self.wire.outgoing.sent()
                    if turn % _TURN == 0:
                        await asyncio.sleep(0)
                elif not await self.wire.outgoing.sent():
                    break  # else look again: input may have come meanwhile
        except Exception as error:
            # Our own fault: the sender may try again, and learns nothing about it.
            log("error", peer=self.wire.peer, error=f"{type(error).__name__}: {error}")
            self.wire.close(replies.INTERNAL_ERROR)
        if self.phase is Phase.CLOSING:
            await self.abandon()

    async def _step(self) -> bool:
        """Take the next piece of content or the next command; False where more input is needed."""
        if self.phase is Phase.CONTENT:
            piece = self.framing.content()
            if piece is None:
                return False
            await self._content_received(*piece)
        else:
            line = self.framing.command()
            if line is None:
                return False
            await self._obey(line)
        return True

    async def _obey(self, line: bytes | Fault) -> None:
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
        """What comes in from here on is a message, up to CRLF.CRLF."""
        self._begin()
        self._last = True
        self.framing.begin_data()

    async def begin_chunk(self, size: int, *, last: bool, refusal: Reply | None) -> None:
        """What comes in from here on is a chunk of `size` octets, to be refused where a refusal is given."""
        if self.chunked:
            self.enter(Phase.CONTENT)
        else:
            self._begin()
            self._refusal, self.chunked = refusal, True
        self._last = last
        self.framing.begin_chunk(size)
        if size == 0:
            await self._content_received(b"", True)

    def _begin(self) -> None:
        self.enter(Phase.CONTENT)
        self._refusal, self._size = None, 0
        self.framing.begin_message()
        if self.envelope.rcpt_tos:
            self.message = self.reception.begin(self.origin, self.envelope)
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
            self._refusal = await self.reception.content(self.origin, self.envelope, self.message, piece)
        if self._refusal and self.message:
            await self.abandon()
        if ended and self.phase is Phase.CONTENT:
            self.enter(Phase.COMMANDS)
            await (self._message_ended() if self._last else self._chunk_ended())

    async def _chunk_ended(self) -> None:
        """The end of a chunk that is not the last of its message."""
        self.reply(self._refusal or replies.chunk_ok(self._size))
        if self.envelope.mail_from is None:
            self.chunked = False  # there is no transaction that this chunk could be part of

    async def _message_ended(self) -> None:
        inspection = self.framing.inspection
        inspection.end()
        if inspection.fault and not self._refusal:
            enhanced = "5.6.0" if inspection.fault in (Fault.NUL, Fault.TOO_LONG) else "5.5.2"
            self._refusal = replies.refused(enhanced, inspection.fault.value)
        self.wire.outgoing.flush()
        message, self.message = self.message, None
        reply = await self.reception.end(self.origin, self.envelope, message, self._refusal)
        if reply.is_success:
            self.accepted += 1
            self._commands = self._errors = 0
        self.reply(reply)
        await self.reset()

    async def reset(self) -> None:
        """As if the session had just begun, but for the greeting."""
        await self.abandon()
        self.envelope = Envelope()
        self.chunked = False
        self._origin = None

    async def abandon(self) -> None:
        """Forget the message under way."""
        message, self.message = self.message, None
        if message:
            with contextlib.suppress(OSError, RuntimeError):
                await self.reception.abandon(message)


Verb = Callable[[Conversation, str], Awaitable[None]]
