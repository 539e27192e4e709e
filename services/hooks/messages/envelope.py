"""A message in the queue of a hook: its file, and its envelope.

The receiver writes the fields at the top of the file, down to its own Received field. What stands below is a
stranger's, and none of it is taken for the envelope. The addresses in our fields are as the sender wrote
them, so none of these is the mailbox: the name in the queue says which of the hook's mailboxes it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from receiver import headers, hook_queue
from receiver.addresses import fold_local
from receiver.mailbox import Mailbox
from receiver.reading import stored
from receiver.reading.sender import trace
from receiver.reading.stored import Maildir, Stored

_TOP = re.compile(rb"Return-Path: ?<([^\r\n]*)>[ \t]*\r?\nDelivered-To: ?([^\r\n]+)\r?\n")
_LONGEST = 1000  # octets of an address


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sent a message, and whom it is for. A text is empty if it is not known.

    `sender` is the reverse path. `recipient` is the address as the sender wrote it. `mailbox` is the mailbox
    that got it, as alice@example.com. It is not known if the hook does not get its mail any more.
    """

    sender: str = ""
    recipient: str = ""
    mailbox: str = ""


Boxes = Mapping[str, str]
"""The mailboxes of a hook, as alice@example.com, by the digits at the end of the names in its queue."""


def boxes(addresses: Iterable[str]) -> Boxes:
    """The mailboxes with these addresses."""
    found = (address.rpartition("@") for address in addresses)
    mailboxes = [Mailbox(domain, fold_local(local)) for local, _, domain in found]
    return {hook_queue.digits(each): str(each) for each in mailboxes}


def mailbox_of(name: str, known: Boxes) -> str:
    """The mailbox that the entry NAME of the queue stands for. Empty if it is none of these."""
    return known.get(name.rpartition(".")[2], "")


def file_of(name: str, path: str, mailbox: str = "") -> Stored:
    """The file of the entry NAME of a queue. Its own name is NAME without the eight digits at the end."""
    local, _, domain = mailbox.rpartition("@")
    return Stored(Maildir(domain, local, ""), name.rpartition(".")[0] or name, path)


def envelope(head: bytes, name: str, mailbox: str) -> Envelope:
    """The envelope of a message to a mailbox. `head` is its header section, NAME its entry in the queue."""
    top = _TOP.match(head)
    if top is None:
        return Envelope(mailbox=mailbox)
    sender, delivered_to = (_text(each) for each in top.groups())
    ours = trace.read(headers.parse_fields(head), name)
    return Envelope(sender, ours.sent_to or delivered_to, mailbox)


def read_envelope(file: Stored, mailbox: str) -> Envelope:
    """The envelope of a file. Raises OSError if it is gone, or no regular file."""
    return envelope(stored.head(file)[0], file.name, mailbox)


def _text(octets: bytes) -> str:
    return octets[:_LONGEST].strip().decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
