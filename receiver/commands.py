"""The SMTP verbs (RFC 5321 section 4.1.1; BDAT of RFC 3030; STARTTLS of RFC 3207).

Every reply carries its enhanced status code (RFC 2034, RFC 3463). Strict on framing, lenient on senders.
"""

from __future__ import annotations

import re

from receiver.addresses import AddressError, Path, parse_path
from receiver.framing import Fault
from receiver.recipients import shown
from receiver.session import Conversation

MAIL_PARAMETERS = {
    "SIZE",
    "BODY",
    "SMTPUTF8",
    "AUTH",
    "RET",
    "ENVID",
    "BY",
    "MT-PRIORITY",
    "TRANSID",
    "SOLICIT",
}
RCPT_PARAMETERS = {"NOTIFY", "ORCPT", "RRVS"}
_HELP = "214 2.0.0 HELO EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS (RFC 5321)"
_BDAT = re.compile(r"([0-9]{1,18})(?:[ \t]+(LAST))?", re.IGNORECASE)
_OVERRUN = 40  # times the largest message that are read before we hang up on a sender without an end


class SMTP(Conversation):
    """The server's side of one SMTP connection."""

    _chunked = False  # BDAT has been used for this message
    _last = False  # this is the message's last chunk
    _refused = ""  # the reply that a message will get however it goes on
    _size = 0  # octets of content so far
    _accepted = 0  # messages in this session
    _message_deadline = 0.0  # by the loop's clock

    async def smtp_HELO(self, hostname: str) -> None:
        if not hostname:
            self.reply("501 5.5.4 Syntax: HELO hostname")
            return
        await self._reset()
        self.session.host_name, self.session.extended_smtp = hostname, False
        self.reply(f"250 {self.hostname}")

    async def smtp_EHLO(self, hostname: str) -> None:
        if not hostname:
            self.reply("501 5.5.4 Syntax: EHLO hostname")
            return
        await self._reset()
        self.session.host_name, self.session.extended_smtp = hostname, True
        offers = [self.hostname, "PIPELINING", f"SIZE {self.limits.message_size}", "8BITMIME"]
        offers += ["SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING"]
        if self.reception.certificate and self.session.ssl is None:
            offers.append("STARTTLS")
        for offer in offers[:-1]:
            self.reply(f"250-{offer}")
        self.reply(f"250 {offers[-1]}")

    async def smtp_NOOP(self, arg: str) -> None:
        self.reply("250 2.0.0 OK")

    async def smtp_HELP(self, arg: str) -> None:
        self.reply(_HELP)

    async def smtp_VRFY(self, arg: str) -> None:
        self.reply("252 2.5.0 Cannot verify, but will take a message for delivery" if arg else
                   "501 5.5.4 Syntax: VRFY address")  # fmt: skip

    async def smtp_EXPN(self, arg: str) -> None:
        self.reply("502 5.5.1 EXPN not offered")

    async def smtp_AUTH(self, arg: str) -> None:
        self.reply("502 5.5.1 AUTH not offered")

    async def smtp_QUIT(self, arg: str) -> None:
        if arg:
            self.reply("501 5.5.4 Syntax: QUIT")
            return
        self.reply(f"221 2.0.0 {self.hostname} closing the connection")
        self.close()

    async def smtp_RSET(self, arg: str) -> None:
        if arg:
            self.reply("501 5.5.4 Syntax: RSET")
            return
        await self._reset()
        self.reply("250 2.0.0 OK")

    async def smtp_STARTTLS(self, arg: str) -> None:
        if not self.reception.certificate:
            self.reply("502 5.5.1 STARTTLS not offered")
        elif self.session.ssl is not None:
            self.reply("503 5.5.1 TLS is in use already")
        elif arg:
            self.reply("501 5.5.4 Syntax: STARTTLS")
        else:
            await self._reset()
            self.reply("220 2.0.0 Ready to start TLS")
            await self.start_tls()

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not self.session.host_name:
            self.reply("503 5.5.1 Say HELO or EHLO first")
        elif self.envelope.mail_from is not None:
            self.reply("503 5.5.1 Sender given already")
        elif self._accepted >= self.limits.messages:
            self.hang_up("421 4.7.0 Too many messages in one session", "too many messages")
        else:
            try:
                path = parse_path("FROM", arg or "")
                refusal = self._mail_refusal(path)
            except AddressError as error:
                refusal = str(error)
            else:
                size = path.parameters.get("SIZE")
                if size and not refusal and not await self.reception.store.has_room(int(size)):
                    refusal = "452 4.3.1 Not enough storage, try again later"
            if refusal:
                self.reply(refusal)
                return
            self.envelope.reverse_path = path.address
            self.envelope.mail_from = str(path.address or "")
            self.envelope.mail_options = [f"{key}={value}" for key, value in path.parameters.items()]
            self.reply("250 2.1.0 Sender OK")

    def _mail_refusal(self, path: Path) -> str | None:
        for keyword, value in path.parameters.items():
            if keyword not in MAIL_PARAMETERS:
                return f"555 5.5.4 MAIL parameter {keyword[:40]} not recognised"
            if keyword == "SIZE":
                if value is None or not value.isascii() or not value.isdigit():
                    return "501 5.5.4 SIZE must be a number"
                if len(value) > 20 or int(value) > self.limits.message_size:
                    return self._too_large()
            if keyword == "BODY" and (value or "").upper() not in ("7BIT", "8BITMIME"):
                return "501 5.5.4 BODY must be 7BIT or 8BITMIME"
            if keyword == "SMTPUTF8" and value is not None:
                return "501 5.5.4 SMTPUTF8 takes no value"
        self.envelope.smtp_utf8 = "SMTPUTF8" in path.parameters
        if path.address and not path.address.domain:
            return "553 5.1.7 Sender address needs a domain"
        if path.address and not path.address.is_ascii and not self.envelope.smtp_utf8:
            return "553 5.6.7 An address beyond ASCII needs SMTPUTF8"
        return None

    async def smtp_RCPT(self, arg: str | None) -> None:
        envelope = self.envelope
        if envelope.mail_from is None:
            self.reply("503 5.5.1 Say MAIL first")
            return
        if self._chunked:
            self.reply("503 5.5.1 The message has begun already")
            return
        if len(envelope.rcpt_tos) >= self.limits.recipients:
            self.reply("452 4.5.3 Too many recipients, send the rest in another message")
            return
        try:
            path = parse_path("TO", arg or "")
        except AddressError as error:
            self.reply(str(error))
            return
        unknown = next((key for key in path.parameters if key not in RCPT_PARAMETERS), None)
        if unknown:
            self.reply(f"555 5.5.4 RCPT parameter {unknown[:40]} not recognised")
        elif path.address is None:
            self.reply("553 5.1.3 The null path is no recipient")
        elif not path.address.is_ascii and not envelope.smtp_utf8:
            self.reply("553 5.6.7 An address beyond ASCII needs SMTPUTF8")
        else:
            self.reply(self.reception.recipient(self, envelope, path.address) or
                       f"250 2.1.5 {shown(path.address)} OK")  # fmt: skip

    async def smtp_DATA(self, arg: str) -> None:
        if arg:
            self.reply("501 5.5.4 Syntax: DATA")
        elif self._chunked:
            self.reply("503 5.5.1 BDAT and DATA cannot be mixed")
        elif not self._can_begin():
            self.reply(self._why_not())
        else:
            self.reply("354 Send the message, end with a dot on its own line")
            await self.sent()
            self._begin()
            self._last = True
            self._framing.begin_data()

    async def smtp_BDAT(self, arg: str) -> None:
        match = _BDAT.fullmatch(arg)
        if not match:  # where the next command begins cannot be known
            self.hang_up("501 5.5.4 Syntax: BDAT size [LAST]; closing the connection", "BDAT without a size")
            return
        if not self._chunked:
            refused = "" if self._can_begin() else self._why_not()
            self._begin()
            self._refused, self._chunked = refused, True
        self.in_content, self._last = True, match[2] is not None
        self._framing.begin_chunk(int(match[1]))
        if match[1].strip("0") == "":
            await self.content_received(b"", True)

    def _can_begin(self) -> bool:
        return bool(self.envelope.rcpt_tos)

    def _why_not(self) -> str:
        if self.envelope.mail_from is None:
            return "503 5.5.1 Say MAIL first"
        return "554 5.5.1 No valid recipients" if self.envelope.refused_any else "503 5.5.1 Say RCPT first"

    def _begin(self) -> None:
        """From here on what comes in is a message."""
        self._refused, self._size, self.in_content = "", 0, True
        self._framing.begin_message()
        if self.envelope.rcpt_tos:
            self.message = self.reception.begin(self, self.envelope)
        self._message_deadline = self.loop.time() + self.limits.message_timeout
        self.set_deadline(self.limits.data_timeout)

    async def content_received(self, piece: bytes, ended: bool) -> None:
        left = self._message_deadline - self.loop.time()
        self.set_deadline(max(0, min(self.limits.data_timeout, left)))
        self._size += len(piece)
        if self._size > self.limits.message_size and not self._refused:
            self._refused = self._too_large()
        if self._size > self.limits.message_size * _OVERRUN:
            self.hang_up(f"{self._too_large()}; closing the connection", "message far too large")
            return
        if self.message and not self._refused:
            self._refused = await self.reception.content(self, self.envelope, self.message, piece) or ""
        if self._refused and self.message:
            await self.abandon()
        if ended:
            self.in_content = False
            await self._piece_ended()

    async def _piece_ended(self) -> None:
        """The end of a message, or of a chunk that is not the last."""
        if not self._last:
            self.reply(self._refused or f"250 2.0.0 {self._size} octets so far")
            if not self._refused:
                return
        else:
            inspection = self._framing.inspection
            inspection.end()
            if inspection.fault and not self._refused:
                self._refused = _fault_reply(inspection.fault)
            self.flush()
            message, self.message = self.message, None
            reply = await self.reception.end(self, self.envelope, message, self._refused)
            if reply.startswith("2"):
                self._accepted += 1
                self.commands = self.errors = 0
            self.reply(reply)
        if self._last:
            await self._reset()
        elif self.envelope.mail_from is None:
            self._chunked = False  # there is no transaction that this chunk could be part of

    def _too_large(self) -> str:
        return f"552 5.3.4 Message too large, the limit is {self.limits.message_size} octets"

    async def _reset(self) -> None:
        """As if the session had just begun, but for the greeting."""
        await self.abandon()
        self.envelope = self._create_envelope()
        self._chunked, self._refused = False, ""


def _fault_reply(fault: Fault) -> str:
    code = "554 5.6.0" if fault in (Fault.NUL, Fault.TOO_LONG) else "554 5.5.2"
    return f"{code} Message refused: {fault.value}"
