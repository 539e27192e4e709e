"""One connection: octets in, replies out, time limits, flow control, STARTTLS. The verbs are in `commands`.

An aiosmtpd SMTP that keeps its Session, Envelope and handler, but not its stream: input goes through
`framing`, commands are obeyed as they arrive, and replies to what came in one piece go out in one piece
(PIPELINING, RFC 2920). Reading stops while there is unread input beyond a mark, writing is waited for,
so that what one connection holds in memory is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any

from aiosmtpd import smtp

from receiver.framing import Fault, Framing
from receiver.journal import log
from receiver.maildir import Incoming
from receiver.trace import Origin, protocol

if TYPE_CHECKING:
    from receiver.reception import Envelope, Reception

_HIGH_WATER = 131_072  # octets of unread input at which reading stops
_LINGER = 10  # seconds for the last reply to be read
_REPLIES = 64  # replies gathered before they are sent
_TURN = 64  # commands after which others have their turn
_EAGER: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


class Conversation(smtp.SMTP):
    """What all commands share. `reception` says who may speak and what becomes of messages."""

    # Set by connection_made, before anything else is called.
    envelope: Envelope
    session: smtp.Session
    transport: asyncio.Transport | None

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            reception, hostname=reception.config.hostname, ident="ESMTP Letterbox", loop=loop,
            enable_SMTPUTF8=True, data_size_limit=reception.config.limits.message_size,
        )  # fmt: skip
        self.reception = reception
        self.limits = reception.config.limits
        self.peer = ""
        self.message: Incoming | None = None  # under way: what comes in is its content
        self.in_content = False
        self.closing = False
        self.errors = 0
        self.commands = 0
        self._framing = Framing(command_line=self.limits.command_length, line=self.limits.line_length)
        self._replies: list[bytes] = []
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self._admitted = False
        self._eof = False
        self._reading = True
        self._writable: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # aiosmtpd looks through dir() of every connection for its commands; this is all there is to find.
    def __dir__(self) -> list[str]:
        return _command_names(type(self))

    # From the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.session = self._create_session()
        self.session.peer = transport.get_extra_info("peername")
        self.peer = _peer(self.session.peer)
        self.envelope = self._create_envelope()
        refusal = self.reception.enter(self, self.peer)
        if refusal:
            self.reply(refusal)
            self.close()
            return
        self._admitted = True
        self.set_deadline(self.limits.command_timeout)
        self.reply(f"220 {self.hostname} {self.__ident__}")
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.closing = True
        if self._timer:
            self._timer.cancel()
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self.transport = None
        if self._admitted:
            self._admitted = False
            self.reception.leave(self, self.peer)
        if not self._busy and self.message:
            self._start(self._abandon())

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        self._framing.receive(data)
        if not self._busy:
            self._start(self._converse())
        elif self._framing.waiting > _HIGH_WATER and self._reading and self.transport:
            self._reading = False
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        # A half-closed sender may still be waiting for the reply to what it sent.
        self._eof = True
        if not self._busy:
            self.close()
        return self._busy and self.session.ssl is None

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
        """Say 421 and why, log it, close."""
        log("refused", peer=self.peer, reason=reason)
        self.reply(reply)
        self.close()

    # The conversation

    def _start(self, work: Any) -> None:
        self._busy = True
        task: asyncio.Task[None] = asyncio.Task(work, loop=self.loop, **_EAGER)
        if not task.done():
            self._task = task
            self.reception.tasks.add(task)
            task.add_done_callback(self.reception.tasks.discard)

    async def _converse(self) -> None:
        """Obey what has been received, until more is needed."""
        turn = 0
        try:
            while not self.closing and await self._step():
                turn += 1
                if len(self._replies) >= _REPLIES:
                    await self.sent()
                if turn % _TURN == 0:
                    await asyncio.sleep(0)
            if not self.closing:
                await self.sent()
        except Exception as error:
            await self._failed(error)
        if self.closing:
            await self._abandon()
        self._busy = False
        if self._eof:
            self.close()
        elif not self._reading and self.transport and not self.closing:
            self._reading = True
            self.transport.resume_reading()

    async def _step(self) -> bool:
        """One command or piece of content; False when there is none."""
        if self.in_content:
            piece = self._framing.content()
            if piece is None:
                return False
            await self.content_received(*piece)
            return True
        line = self._framing.command()
        if line is None:
            return False
        self.commands += 1
        if isinstance(line, Fault):
            self.reply(f"500 5.5.2 Command not understood: {line.value}")
        else:
            await self._obey(line)
        if not self.in_content and not self.closing:
            self.set_deadline(self.limits.command_timeout)
            if self.errors > self.limits.errors:
                self.hang_up("421 4.7.0 Too many errors, closing the connection", "too many errors")
            elif self.commands > self.limits.commands:
                self.hang_up("421 4.7.0 Too many commands, closing the connection", "too many commands")
        return True

    async def _obey(self, line: bytes) -> None:
        verb, _, argument = line.partition(b" ")
        method = self._smtp_methods.get(verb.decode("ascii", "replace").upper())
        if method is None:
            self.reply("500 5.5.1 Command not recognised")
            return
        await method(argument.decode("utf-8", "surrogateescape").strip(" \t"))

    async def content_received(self, piece: bytes, ended: bool) -> None:
        raise NotImplementedError

    async def _failed(self, error: Exception) -> None:
        """Our own fault: the sender may try again, and learns nothing about it."""
        log("error", peer=self.peer, error=f"{type(error).__name__}: {error}")
        self.reply("421 4.3.0 Internal error, try again later")
        self.close()

    async def _abandon(self) -> None:
        message, self.message = self.message, None
        if message:
            with contextlib.suppress(OSError):
                await message.abandon()

    # Time

    def set_deadline(self, seconds: float) -> None:
        """Hang up after that many seconds, unless a new deadline is set before."""
        self._deadline = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            if self._timer:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._deadline, self._timeout_cb)

    def _timeout_cb(self) -> None:
        self._timer = None
        if self._deadline > self.loop.time():
            self._timer = self.loop.call_at(self._deadline, self._timeout_cb)
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

    async def start_tls(self) -> bool:
        """Change to TLS. What came in before is forgotten (RFC 3207 section 4.2)."""
        assert isinstance(self.transport, asyncio.Transport) and self.reception.certificate
        plain = self.transport
        plain.pause_reading()
        self._reading = False
        self._framing.discard()
        await self.sent()
        self.set_deadline(self.limits.command_timeout)
        try:
            secured = await self.loop.start_tls(
                plain, self, self.reception.certificate.context(), server_side=True,
                ssl_handshake_timeout=min(60, self.limits.command_timeout), ssl_shutdown_timeout=5,
            )  # fmt: skip
        except (OSError, EOFError) as error:
            log("refused", peer=self.peer, reason=f"TLS handshake failed: {error}")
            secured = None
        if secured is None:
            self.closing = True
            plain.abort()
            return False
        self.transport, self._reading = secured, True
        self.session = self._create_session()
        self.session.peer = secured.get_extra_info("peername")
        cipher = secured.get_extra_info("cipher")
        self.session.ssl = {"version": cipher[1], "cipher": cipher[0]}
        return True


_names: dict[type, list[str]] = {}


def _command_names(cls: type) -> list[str]:
    if cls not in _names:
        found = {name for each in cls.__mro__ for name in vars(each) if name.startswith("smtp_")}
        _names[cls] = sorted(found)
    return _names[cls]


def _peer(name: Any) -> str:
    """The IP address of a socket's peer name; IPv4 in its own form also on an IPv6 socket."""
    if not isinstance(name, tuple):
        return ""
    return str(name[0]).removeprefix("::ffff:")
