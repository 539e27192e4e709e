"""What becomes of recipients and messages: the handler that all connections share.

It knows the configuration, the mailboxes and who is connected; it knows nothing of the wire.
"""

from __future__ import annotations

import asyncio
import errno
import time
from typing import TYPE_CHECKING, Any

from aiosmtpd import smtp

from receiver import journal, proofs, trace
from receiver.addresses import Address
from receiver.admission import Admission
from receiver.certificate import Certificate
from receiver.config import Config
from receiver.recipients import Destination, Directory, Mailbox, UnknownRecipient
from receiver.storage.incoming import Incoming
from receiver.storage.maildir import Store
from receiver.storage.record import Copy

if TYPE_CHECKING:
    from receiver.connection import Connection

_HEAD = 131_072  # octets of a message that are looked at for header fields


class Envelope(smtp.Envelope):
    """aiosmtpd's envelope, and what it means here. The content is never in it."""

    def __init__(self) -> None:
        super().__init__()
        self.reverse_path: Address | None = None
        self.destinations: dict[Mailbox, Destination] = {}
        self.refused_any = False
        self.proofs: dict[tuple[str, str], float] = {}  # one-time addresses, and when each was named
        self.identity = ""
        self.began = 0.0
        self.head = bytearray()
        self.head_ended = False


class Reception:
    """The handler of every session."""

    def __init__(
        self,
        config: Config,
        store: Store,
        certificate: Certificate | None,
        admission: Admission | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.certificate = certificate
        self.directory = Directory(config.domains, config.addresses)
        self.admission = admission or Admission(config.limits)
        # What aiosmtpd's SMTP sets, the same for every connection: to look for hooks and mechanisms, and to
        # make a stream that we do not use, takes it as long as half a message takes us.
        self.pattern: dict[str, Any] = {}
        self.sessions: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def envelope(self) -> Envelope:
        return Envelope()

    def enter(self, session: Connection, peer: str) -> str | None:
        """A connection begins: the reply it is refused with, or None."""
        refusal = self.admission.enter(peer)
        if refusal is None:
            self.sessions.add(session)
        elif self.admission.worth_a_line(peer):
            journal.log("refused", peer=peer, reason=refusal)
        return refusal

    def leave(self, session: Connection, peer: str) -> None:
        self.sessions.discard(session)
        self.admission.leave(peer)

    def recipient(self, session: Connection, envelope: Envelope, address: Address) -> str | None:
        """Take a recipient into the envelope, or the reply that refuses it."""
        try:
            destinations = self._proof(session, envelope, address) or self.directory.destinations(address)
        except UnknownRecipient as refusal:
            envelope.refused_any = True
            journal.log(
                "refused",
                peer=session.peer,
                from_=f"<{envelope.mail_from}>",
                to=f"<{address}>",
                reason=refusal,
            )
            return str(refusal)
        envelope.rcpt_tos.append(str(address))
        for destination in destinations:
            envelope.destinations.setdefault(destination.mailbox, destination)
        return None

    def _proof(self, session: Connection, envelope: Envelope, address: Address) -> tuple[Destination, ...]:
        """Where mail for a one-time address goes, if this is one that somebody waits for."""
        local, domain = address.local.lower(), self.directory.served(address)
        if (
            domain is None
            or not proofs.is_local_part(local)
            or not self._tell(session, local, domain.name, "recipient")
        ):
            return ()
        envelope.proofs[local, domain.name] = time.monotonic()
        return (Destination(Mailbox(domain.name, proofs.MAILBOX), f"{local}@{domain.name}"),)

    def _tell(self, session: Connection, local: str, domain: str, event: str, **values: object) -> bool:
        tls = session.session.ssl
        return proofs.tell(
            self.config.proofs, local, domain, event,
            peer=session.peer, tls=tls["version"] if tls else None, **values,
        )  # fmt: skip

    def begin(self, session: Connection, envelope: Envelope) -> Incoming:
        """A message for the envelope's recipients begins."""
        envelope.identity, envelope.began = self.store.identity(), time.time()
        only = envelope.rcpt_tos[0] if len(envelope.rcpt_tos) == 1 else None
        received = trace.received(
            session.origin(), self.config.hostname, envelope.identity, only, envelope.began
        )
        copies = [
            Copy(each.mailbox, trace.copy_fields(envelope.reverse_path, each.delivered_to) + received)
            for each in envelope.destinations.values()
        ]
        return self.store.incoming(envelope.identity, copies)

    async def content(
        self, session: Connection, envelope: Envelope, message: Incoming, piece: bytes
    ) -> str | None:
        """Take a piece of content, or the reply that the message will get at its end."""
        if not envelope.head_ended:
            envelope.head += piece[: _HEAD - len(envelope.head)]
            envelope.head_ended = b"\r\n\r\n" in envelope.head or len(envelope.head) >= _HEAD
        try:
            await message.write(piece)
        except OSError as error:
            return self._disk_refusal(session, envelope, error)
        return None

    async def end(
        self, session: Connection, envelope: Envelope, message: Incoming | None, refused: str
    ) -> str:
        """The message is complete: make it durable, or refuse it. The reply to give."""
        head = bytes(envelope.head).partition(b"\r\n\r\n")[0]
        if not refused and trace.loops(head):
            refused = "554 5.4.6 Too many hops: the message loops"
        if not refused and message is not None:
            try:
                await message.deliver()
            except OSError as error:
                refused = self._disk_refusal(session, envelope, error)
        elif message is not None:
            await message.abandon()
        if refused or message is None:
            self._log(session, envelope, head, None, refused)
            for local, domain in envelope.proofs:
                self._tell(session, local, domain, "refused", reason=refused)
            return refused
        session.loop.call_soon(self._log, session, envelope, head, message, None)  # the reply goes first
        for (local, domain), named in envelope.proofs.items():
            seconds = time.monotonic() - named
            self._tell(session, local, domain, "stored", id=envelope.identity, seconds=seconds)
        return f"250 2.0.0 Stored as {envelope.identity}"

    def _log(
        self,
        session: Connection,
        envelope: Envelope,
        head: bytes,
        message: Incoming | None,
        reason: str | None,
    ) -> None:
        tls = session.session.ssl
        fields: dict[str, str | None] = {}
        if self.config.log_headers:
            names = {"header_from": b"from", "subject": b"subject", "date": b"date"}
            fields = {key: journal.field(head, name) for key, name in names.items()}
        journal.log(
            "received" if message else "refused",
            id=envelope.identity or None,
            from_=f"<{envelope.mail_from or ''}>",
            to=",".join(f"<{recipient}>" for recipient in envelope.rcpt_tos),
            **fields,
            size=message.size if message else None,
            peer=session.peer,
            tls=tls["version"] if tls else "none",
            seconds=time.time() - envelope.began if envelope.began else None,
            reason=reason,
        )

    def _disk_refusal(self, session: Connection, envelope: Envelope, error: OSError) -> str:
        journal.log("error", id=envelope.identity, peer=session.peer, error=error)
        if error.errno == errno.EDQUOT:
            return "452 4.2.2 Mailbox full, try again later"
        if error.errno in (errno.ENOSPC, errno.EFBIG):
            return "452 4.3.1 Not enough storage, try again later"
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
            return "451 4.2.1 Mailbox not available, try again later"
        return "451 4.2.0 Mailbox cannot be written, try again later"
