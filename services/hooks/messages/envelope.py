"""A message in the queue of a hook: its file, and its envelope.

The receiver writes the fields at the top of the file, down to its own Received field. What stands below is a
stranger's, and none of it is taken for the envelope.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from receiver import headers
from receiver.reading import stored
from receiver.reading.sender import trace
from receiver.reading.stored import Maildir, Stored

_TOP = re.compile(rb"Return-Path: ?<([^\r\n]*)>[ \t]*\r?\nDelivered-To: ?([^\r\n]+)\r?\n")
_LONGEST = 1000  # octets of an address


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sent a message, and whom it is for. A text is empty if the file does not say it.

    `sender` is the reverse path. `recipient` is the address as the sender wrote it, or the mailbox if the
    message had several recipients. `mailbox` is the mailbox that got it, as alice@example.com.
    """

    sender: str = ""
    recipient: str = ""
    mailbox: str = ""


def file_of(name: str, path: str, mailbox: str = "") -> Stored:
    """The file of the entry NAME of a queue. Its own name is NAME without the eight digits at the end."""
    local, _, domain = mailbox.rpartition("@")
    return Stored(Maildir(domain, local, ""), name.rpartition(".")[0] or name, path)


def envelope(head: bytes, name: str) -> Envelope:
    """The envelope of a message. `head` is its header section, and NAME its entry in the queue."""
    top = _TOP.match(head)
    if top is None:
        return Envelope()
    sender, mailbox = (_text(each) for each in top.groups())
    ours = trace.read(headers.parse_fields(head), name)
    return Envelope(sender, ours.sent_to or mailbox, mailbox)


def read_envelope(file: Stored) -> Envelope:
    """The envelope of a file. Raises OSError if it is gone, or no regular file."""
    return envelope(stored.head(file)[0], file.name)


def _text(octets: bytes) -> str:
    return octets[:_LONGEST].strip().decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
