"""What this host knows of the messages in the bucket: which it has had, and which the bucket has from it.

A message is known by its mailbox and its tail (`receiver.bucket.keys`), in whatever hour it lies. After a
copy that was not shown to be authentic, one may come that is: a forger who knows a message can be the first
to send it. Both are kept then, so the first copy settles nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from receiver.bucket import keys
from receiver.bucket.keys import Key
from receiver.bucket.protocol import Sender
from receiver.mailbox import Mailbox
from receiver.transfer.journal import ENTRY, Journal

_HOUR = len("YYYY-MM-DD/HH/")


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a mailbox, and what was found of its sender (`receiver.bucket.protocol`)."""

    mailbox: Mailbox
    tail: str
    sender: Sender

    @property
    def settles(self) -> bool:
        """Whether no other copy of the message is wanted once this one is here."""
        return self.sender != "forged"


def message_of(key: Key) -> tuple[Mailbox, str]:
    """The mailbox and the tail of the message that the key is of. A later, authentic copy has the same."""
    return key.mailbox, key.tail.removesuffix(keys.AUTHENTIC)


class Known:
    """The entries of a journal, by what they say."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def is_settled(self, mailbox: Mailbox, tail: str) -> bool:
        """Whether nothing more is wanted of the message."""
        return entry("had", mailbox, tail) in self.journal

    def is_settled_key(self, key: str) -> bool:
        """The same by the text of a key, which need not be one: this is asked of each object in a listing."""
        return _digest("had", key[_HOUR:].removesuffix(keys.AUTHENTIC)) in self.journal

    def is_forged(self, mailbox: Mailbox, tail: str) -> bool:
        """Whether a copy of the message has been here that was not shown to be authentic."""
        return entry("forged", mailbox, tail) in self.journal

    def has_looked(self, key: Key) -> bool:
        """Whether this object has been looked at, and was not wanted."""
        return _entry_of_key(key) in self.journal

    def is_sent(self, message: Message) -> bool:
        """Whether the bucket has had this message, or one as good."""
        return entry("sent", message.mailbox, message.tail + message.sender) in self.journal

    def had(self, messages: Iterable[Message], keys: Iterable[Key] = ()) -> None:
        """These messages are or were here, and these objects need no further look. Raises OSError."""
        entries = [entry("had" if each.settles else "forged", each.mailbox, each.tail) for each in messages]
        self.journal.add([*entries, *map(_entry_of_key, keys)])

    def sent(self, messages: Iterable[Message]) -> None:
        """The bucket has these messages. Raises OSError."""
        self.journal.add(entry("sent", each.mailbox, each.tail + each.sender) for each in messages)


def entry(kind: str, mailbox: Mailbox, text: str) -> bytes:
    """The entry that says this of a message of the mailbox, or of its object."""
    return _digest(kind, f"{keys.folder(mailbox)}/{text}")


def _entry_of_key(key: Key) -> bytes:
    return entry("key", key.mailbox, f"{key.hour} {key.tail}")


def _digest(kind: str, text: str) -> bytes:
    said = f"{kind}\0{text}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(said).digest()[:ENTRY]
