"""Messages for the tests of the bucket."""

from __future__ import annotations

import secrets

from receiver.bucket import keys
from receiver.bucket.client import Client
from receiver.bucket.protocol import Copy, Sender
from receiver.mailbox import Mailbox

TRACE = b"Received: from mail.sender.example\r\n\tby mx (Letterbox) with ESMTPS; Thu, 26 Nov 2026 +0000\r\n"


def content(size: int = 100, *, message_id: str | None = None) -> bytes:
    """The content of a message below our trace, of about that size. It differs at each call.

    With an empty `message_id` it has none.
    """
    unique = secrets.token_hex(8)
    named = f"<{unique}@sender.example>" if message_id is None else message_id
    line = f"Message-ID: {named}\r\n" if named else ""
    lines = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n" * (size // 73 + 1)
    return f"Subject: {unique}\r\n{line}\r\n".encode() + lines[:size]


def file_name() -> str:
    """A name of a message's file. It differs at each call."""
    return f"1795726800.M123456P77Q1R{secrets.token_hex(6)}.mx1.example.com"


def copy(mailbox: Mailbox) -> Copy:
    fields = f"Return-Path: <a@sender.example>\r\nDelivered-To: {mailbox}\r\n"
    return Copy(mailbox, fields.encode())


def put(
    client: Client,
    message: bytes,
    copies: list[Copy] | Mailbox,
    *,
    sender: Sender = "unknown",
    name: str = "",
    trace: bytes = TRACE,
) -> list[str]:
    """Store a message for these copies, or for one mailbox. Returns the tails of its keys."""
    copies = [copy(copies)] if isinstance(copies, Mailbox) else copies
    return client.put(name or file_name(), copies, trace + message, trace=len(trace), sender=sender)


def objects(client: Client, domain: str) -> dict[str, bytes]:
    """All objects of the mailboxes of a domain, by key."""
    found = {}
    for each in client.list(""):
        key = keys.parse(each.key)
        if key and key.mailbox.domain == domain:
            head, file = client.get(each.key)
            with file:
                found[each.key] = file.read()
            assert len(found[each.key]) == each.size == head.size
    return found
