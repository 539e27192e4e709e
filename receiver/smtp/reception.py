"""Accepting or refusing recipients and messages. All connections share one `Reception`.

It knows the configuration and the store. Of a connection it knows only the origin of its mail.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from receiver import headers, one_time
from receiver.addresses import Address
from receiver.config.values import Config
from receiver.headers import MAX_HEAD
from receiver.mailbox import Mailbox
from receiver.recipients import Destination, Directory, NotServed, UnknownRecipient, as_reply
from receiver.smtp import replies
from receiver.smtp.replies import Reply
from receiver.smtp.transaction import trace
from receiver.smtp.transaction.envelope import Envelope
from receiver.smtp.transaction.header_gate import HeaderTooLarge
from receiver.smtp.transaction.message import Message
from receiver.smtp.transaction.trace import Origin
from receiver.storage.log.record import Copy
from receiver.storage.store import BucketError, Store
from receiver.system import journal

if TYPE_CHECKING:
    from receiver.checks.check import Checks
    from receiver.keeping.quotas import WorkerQuotas
    from receiver.spam_filter import SpamFilter


class Reception:
    """Decides on recipients and stores messages. In aiosmtpd this part is called the handler."""

    def __init__(
        self,
        config: Config,
        store: Store,
        checks: Checks | None = None,
        spam_filter: SpamFilter | None = None,
        quotas: WorkerQuotas | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.checks, self.spam_filter, self.quotas = checks, spam_filter, quotas
        self.directory = Directory(config.domains, config.addresses)
        self._may_reject = any(domain.rejects_forged for domain in config.domains)

    def add_recipient(self, origin: Origin, envelope: Envelope, address: Address) -> Reply | None:
        """Add a recipient to the envelope, or return the reply that refuses it."""
        try:
            found = self._one_time(origin, envelope, address) or self.directory.destinations(address)
        except UnknownRecipient as unknown:
            refuse = replies.not_served if isinstance(unknown, NotServed) else replies.no_mailbox
            envelope.refused_any = True
            return self._log_refused(origin, envelope, address, refuse(str(unknown)))
        if self.quotas and any(self.quotas.is_full(each.mailbox, envelope.size) for each in found):
            # An alias of several mailboxes waits for the one that is full. A part of them would get it twice.
            envelope.full_any = True
            return self._log_refused(origin, envelope, address, replies.mailbox_full(as_reply(address)))
        if self._may_reject:
            # A message has one reply for all its recipients, so their domains must want the same.
            domain = self.directory.served(address)
            rejects_forged = domain is not None and domain.rejects_forged
            if envelope.rcpt_tos and rejects_forged != envelope.rejects_forged:
                return replies.OTHER_DOMAIN
            envelope.rejects_forged = rejects_forged
        envelope.rcpt_tos.append(str(address))
        for destination in found:
            envelope.destinations.setdefault(destination.mailbox, destination)
        return None

    def _log_refused(self, origin: Origin, envelope: Envelope, address: Address, refusal: Reply) -> Reply:
        """Log that a recipient was refused, and return the reply."""
        sender = f"<{envelope.mail_from}>"
        journal.log("refused", peer=origin.peer, from_=sender, to=f"<{address}>", reason=refusal)
        return refusal

    def _one_time(self, origin: Origin, envelope: Envelope, address: Address) -> tuple[Destination, ...]:
        """The destination of a one-time address, if a `letterbox proof` waits for it; else nothing."""
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

    def begin_message(self, origin: Origin, envelope: Envelope) -> Message:
        """Begin a message for the envelope's recipients."""
        envelope.identity, envelope.began_at = self.store.identity(), time.time()
        only = envelope.rcpt_tos[0] if len(envelope.rcpt_tos) == 1 else None
        received = trace.received_field(
            origin, self.config.hostname, envelope.identity, only, envelope.began_at
        )
        copies = [
            Copy(each.mailbox, trace.copy_fields(envelope.reverse_path, each.delivered_to))
            for each in envelope.destinations.values()
        ]
        spam = None
        if self.spam_filter and not envelope.is_heartbeat:
            sender = envelope.mail_from or ""
            spam = self.spam_filter.message(
                envelope.identity, origin.peer, origin.helo, sender, envelope.rcpt_tos
            )
        message = Message(self.store, envelope.identity, copies, received, envelope.check, spam)
        if self.quotas:
            message.arrival = self.quotas.arrival(envelope.destinations)
        return message

    async def add_content(
        self, origin: Origin, envelope: Envelope, message: Message, piece: bytes
    ) -> Reply | None:
        """Add a piece of content. On an error, return the reply that the message must get at its end."""
        if not envelope.head_ended:
            envelope.head += piece[: MAX_HEAD - len(envelope.head)]
            envelope.head_ended = b"\r\n\r\n" in envelope.head or len(envelope.head) >= MAX_HEAD
        try:
            await message.add(piece)
        except HeaderTooLarge:
            return replies.HEADER_TOO_LARGE
        except OSError as error:
            return self._disk_refusal(origin, envelope, error)
        return None

    async def end_message(
        self, origin: Origin, envelope: Envelope, message: Message | None, refusal: Reply | None
    ) -> Reply:
        """The message is complete. Make it durable, or refuse it, and return the reply to its sender.

        `message` is None if there was no recipient, or if the message was abandoned because of `refusal`.
        """
        head = bytes(envelope.head).partition(b"\r\n\r\n")[0]
        if not refusal and trace.is_looping(head):
            refusal = replies.LOOP
        if message is not None and not refusal:
            try:
                refusal = await self._refusal(envelope, message)
                if not refusal and message.arrival and not message.arrival.complete(message.incoming.size):
                    refusal = replies.MAILBOX_FULL
                if not refusal:
                    message.finish()
                    await self.store.deliver(message.incoming)
                    if self.store.goes_to_bucket(message.incoming):
                        message.findings["store"] = "bucket"
                    if message.arrival:
                        message.arrival.stored()
            except OSError as error:
                refusal = self._disk_refusal(origin, envelope, error)
            finally:
                if message.arrival:
                    message.arrival.end()
        findings = message.findings if message else {}
        if message is None or refusal:
            if message is not None:
                await self.abandon(message)
            refusal = refusal or replies.NO_RECIPIENTS
            self._log(origin, envelope, head, None, refusal, findings)
            for local, domain in envelope.one_time:
                self._tell(origin, local, domain, "refused", reason=str(refusal))
            return refusal
        # The line is logged after the reply has been sent.
        asyncio.get_running_loop().call_soon(self._log, origin, envelope, head, message, None, findings)
        for (local, domain), named_at in envelope.one_time.items():
            seconds = time.monotonic() - named_at
            self._tell(origin, local, domain, "stored", id=envelope.identity, seconds=seconds)
        return replies.stored(envelope.identity)

    async def _refusal(self, envelope: Envelope, message: Message) -> Reply | None:
        """Wait for what the checks say of a complete message. Returns the reply if they refuse it."""
        verdict = await message.end()
        if verdict and envelope.rejects_forged and verdict.should_be_refused:
            return replies.forged(verdict.dmarc.domain)
        judgement = await message.judge(verdict)
        settings = self.config.spam_filter
        if judgement and judgement.rejects and settings and settings.refuses:
            return replies.SPAM
        return None

    async def abandon(self, message: Message) -> None:
        """Remove a message that was cut off, reset or refused."""
        await self.store.abandon(message.incoming)

    def _log(
        self,
        origin: Origin,
        envelope: Envelope,
        head: bytes,
        message: Message | None,
        reason: Reply | None,
        findings: Mapping[str, object],
    ) -> None:
        fields: dict[str, str | None] = {}
        if self.config.log_headers:
            names = {"header_from": "from", "subject": "subject", "date": "date"}
            fields = {key: headers.first_text(head, name) for key, name in names.items()}
        journal.log(
            "received" if message else "refused",
            id=envelope.identity or None,
            from_=f"<{envelope.mail_from or ''}>",
            to=",".join(f"<{recipient}>" for recipient in envelope.rcpt_tos),
            **fields,
            size=message.incoming.size if message else None,
            peer=origin.peer,
            tls=origin.tls.version if origin.tls else "none",
            seconds=time.time() - envelope.began_at if envelope.began_at else None,
            reason=reason,
            **findings,
        )

    def _disk_refusal(self, origin: Origin, envelope: Envelope, error: OSError) -> Reply:
        journal.log("error", id=envelope.identity, peer=origin.peer, error=error)
        if isinstance(error, BucketError):
            return replies.NO_ROOM if error.errno == errno.ENOSPC else replies.BUCKET_AWAY
        if error.errno == errno.EDQUOT:
            return replies.MAILBOX_FULL
        if error.errno in (errno.ENOSPC, errno.EFBIG):
            return replies.NO_ROOM
        if error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR):
            return replies.MAILBOX_UNAVAILABLE
        return replies.MAILBOX_UNWRITABLE
