"""The conversation on one connection: commands are obeyed as they arrive, in order, one at a time.

Replies to what came in one piece go out in one piece (PIPELINING, RFC 2920); nobody keeps the loop for
long. The verbs themselves are in `commands`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from receiver.connection import Connection
from receiver.framing import Fault
from receiver.journal import log

_REPLIES = 64  # replies gathered before they are sent
_TURN = 64  # commands after which others have their turn


class Conversation(Connection):
    """What all commands share."""

    _commands: ClassVar[Mapping[bytes, Callable[..., Awaitable[None]]]] = {}  # aiosmtpd's smtp_ methods

    def __init_subclass__(cls) -> None:
        names = {name for each in cls.__mro__ for name in vars(each) if name.startswith("smtp_")}
        cls._commands = {name.removeprefix("smtp_").encode(): getattr(cls, name) for name in names}

    async def converse(self) -> None:
        """Obey what has been received, until more is needed."""
        turn = 0
        found: object
        try:
            while not self.closing:
                if self.in_content:
                    found = piece = self._framing.content()
                    if piece is not None:
                        await self.content_received(*piece)
                else:
                    found = line = self._framing.command()
                    if line is not None:
                        await self._obey(line)
                if found is None:
                    self.flush()
                    if self._writable is None:
                        break
                    await self._writable  # and look again: input may have come meanwhile
                else:
                    turn += 1
                    if len(self._replies) >= _REPLIES:
                        await self.sent()
                    if turn % _TURN == 0:
                        await asyncio.sleep(0)
        except Exception as error:
            self._failed(error)
        try:
            if self.closing:
                await self.abandon()
        finally:
            self._busy = False
            self._leave()
        if self._eof and not self.closing:
            self.close()
        else:
            self._resume_reading()

    async def _obey(self, line: bytes | Fault) -> None:
        self.commands += 1
        if isinstance(line, Fault):
            self.reply(f"500 5.5.2 Command not understood: {line.value}")
        else:
            verb, _, argument = line.partition(b" ")
            command = self._commands.get(verb.upper())
            if command is None:
                self.reply("500 5.5.1 Command not recognised")
            else:
                await command(self, argument.decode("utf-8", "surrogateescape").strip(" \t"))
        if self.in_content or self.closing:
            return
        self.set_deadline(self.limits.command_timeout)
        if self.errors > self.limits.errors:
            self.hang_up("421 4.7.0 Too many errors, closing the connection", "too many errors")
        elif self.commands > self.limits.commands:
            self.hang_up("421 4.7.0 Too many commands, closing the connection", "too many commands")

    async def content_received(self, piece: bytes, ended: bool) -> None:
        raise NotImplementedError

    def _failed(self, error: Exception) -> None:
        """Our own fault: the sender may try again, and learns nothing about it."""
        log("error", peer=self.peer, error=f"{type(error).__name__}: {error}")
        self.reply("421 4.3.0 Internal error, try again later")
        self.close()

    async def abandon(self) -> None:
        message, self.message = self.message, None
        if message:
            with contextlib.suppress(OSError, RuntimeError):
                await message.abandon()

    async def start_tls(self) -> None:
        """Change to TLS. What came in before is forgotten (RFC 3207 section 4.2)."""
        assert self.transport and self.reception.certificate
        plain = self.transport
        plain.pause_reading()
        self._reading = False
        self._framing.discard()
        await self.sent()
        if self.closing:
            return
        self.set_deadline(self.limits.command_timeout)
        try:
            secured = await self.loop.start_tls(
                plain, self, self.reception.certificate.context(), server_side=True,
                ssl_handshake_timeout=min(60, self.limits.command_timeout), ssl_shutdown_timeout=5,
            )  # fmt: skip
        except Exception as error:
            log("refused", peer=self.peer, reason=f"TLS handshake failed: {error or type(error).__name__}")
            self.lost_in_handshake(plain, error)
            return
        if secured is None or secured.is_closing() or self.closing:  # it ended just after the handshake
            self.lost_in_handshake(plain, None)
            return
        self.transport, self._reading = secured, True
        self.session = self._create_session()
        self.session.peer = secured.get_extra_info("peername")
        cipher = secured.get_extra_info("cipher")
        self.session.ssl = {"version": cipher[1], "cipher": cipher[0]}
