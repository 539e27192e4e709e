"""What becomes of recipients and messages: the handler that all connections share.

It knows the configuration and the mailboxes; of a connection it knows where its mail comes from.
"""

from __future__ import annotations

import asyncio
import errno
import time

from receiver import one_time
from receiver.addresses import Address
from receiver.config.values import Config
from receiver.mailbox import Mailbox
from receiver.recipients import Destination, Directory, NoMailbox, NotServed
from receiver.smtp import replies, trace
from receiver.smtp.envelope import Envelope
from receiver.smtp.replies import Reply
from receiver.smtp.trace import Origin
from receiver.storage.incoming import Incoming
from receiver.storage.record import Copy
from receiver.storage.store import Store
from receiver.system import journal

_HEAD = 131_072  # octets of a message that are looked at for header fields


class Reception:
    """aiosmtpd calls this the handler."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store
        self.directory = Directory(config.domains, config.addresses)

    def recipient(self, origin: Origin, envelope: Envelope, address: Address) -> Reply | None:
        """Take a recipient into the envelope, or the reply that refuses it."""
        try:
            found = self._one_time(origin, envelope, address) or self.directory.destinations(address)
        except (NotServed, NoMailbox) as unknown:
            shown = str(unknown)
            refusal = (
                replies.not_served(shown) if isinstance(unknown, NotServed) else replies.no_mailbox(shown)
            )
            envelope.refused_any = True
            sender = f"<{envelope.mail_from}>"
            journal.log("refused", peer=origin.peer, from_=sender, to=f"<{address}>", reason=refusal)
            return refusal
        envelope.rcpt_tos.append(str(address))
        for destination in found:
            envelope.destinations.setdefault(destination.mailbox, destination)
        return None

    def _one_time(self, origin: Origin, envelope: Envelope, address: Address) -> tuple[Destination, ...]:
        """Where mail for a one-time address goes, if this is one that somebody waits for."""
        local, domain = address.local.lower(), self.directory.served(address)
        if (
            domain is None
            or not one_time.is_local_part(local)
            or not self._tell(origin, local, domain.name, "recipient")
        ):
            return ()
        envelope.one_time[local, domain.name] = time.monotonic()
        return (Destination(Mailbox(domain.name, one_time.MAILBOX), f"{local}@{domain.name}"),)

    def _tell(self, origin: Origin, local: str, domain: str, event: str, **values: object) -> bool:
        return one_time.tell(
            self.config.proofs, local, domain, event,
            peer=origin.peer, tls=origin.tls.version if origin.tls else None, **values,
        )  # fmt: skip

    def begin(self, origin: Origin, envelope: Envelope) -> Incoming:
        """A message for the envelope's recipients begins."""
        envelope.identity, envelope.began = self.store.identity(), time.time()
        only = envelope.rcpt_tos[0] if len(envelope.rcpt_tos) == 1 else None
        received = trace.received(origin, self.config.hostname, envelope.identity, only, envelope.began)
        copies = [
            Copy(each.mailbox, trace.copy_fields(envelope.reverse_path, each.delivered_to) + received)
            for each in envelope.destinations.values()
        ]
        return self.store.incoming(envelope.identity, copies)

    async def content(
        self, origin: Origin, envelope: Envelope, message: Incoming, piece: bytes
    ) -> Reply | None:
        """Take a piece of content, or the reply that the message will get at its end."""
        if not envelope.head_ended:
            envelope.head += piece[: _HEAD - len(envelope.head)]
            envelope.head_ended = b"\r\n\r\n" in envelope.head or len(envelope.head) >= _HEAD
        try:
            await self.store.write(message, piece)
        except OSError as error:
            return self._disk_refusal(origin, envelope, error)
        return None

    async def end(
        self, origin: Origin, envelope: Envelope, message: Incoming | None, refusal: Reply | None
    ) -> Reply:
        """The message is complete: make it durable, or refuse it. The reply to give."""
        head = bytes(envelope.head).partition(b"\r\n\r\n")[0]
        if not refusal and trace.loops(head):
            refusal = replies.LOOP
        if message is not None:
            if refusal:
                await self.store.abandon(message)
            else:
                try:
                    await self.store.deliver(message)
                except OSError as error:
                    refusal = self._disk_refusal(origin, envelope, error)
        if message is None or refusal:
            refusal = refusal or replies.NO_RECIPIENTS
            self._log(origin, envelope, head, None, refusal)
            for local, domain in envelope.one_time:
                self._tell(origin, local, domain, "refused", reason=str(refusal))
            return refusal
        # The reply goes first.
        asyncio.get_running_loop().call_soon(self._log, origin, envelope, head, message, None)
        for (local, domain), named in envelope.one_time.items():
            seconds = time.monotonic() - named
            self._tell(origin, local, domain, "stored", id=envelope.identity, seconds=seconds)
        return replies.stored(envelope.identity)

    async def abandon(self, message: Incoming) -> None:
        """A message that was cut off, or reset."""
        await self.store.abandon(message)

    def _log(
        self, origin: Origin, envelope: Envelope, head: bytes, message: Incoming | None, reason: Reply | None
    ) -> None:
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
            peer=origin.peer,
            tls=origin.tls.version if origin.tls else "none",
            seconds=time.time() - envelope.began if envelope.began else None,
            reason=reason,
        )

    def _disk_refusal(self, origin: Origin, envelope: Envelope, error: OSError) -> Reply:
        journal.log("error", id=envelope.identity, peer=origin.peer, error=error)
        if error.errno == errno.EDQUOT:
            return replies.MAILBOX_FULL
        if error.errno in (errno.ENOSPC, errno.EFBIG):
            return replies.NO_ROOM
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
            return replies.MAILBOX_UNAVAILABLE
        return replies.MAILBOX_UNWRITABLE
