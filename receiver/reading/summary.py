"""A summary of a message, from its header fields and from our trace fields (`trace` of `receiver.smtp`).

Only the first Received field counts, because this host wrote it. The sender may have forged the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from receiver import headers
from receiver.headers import Fields
from receiver.reading import stored
from receiver.reading.stored import Stored

_RECEIVED = re.compile(
    r"from (?P<helo>\S+)(?: \(\[(?:IPv6:)?(?P<peer>[^\]]*)\]\))?\s+"
    r"by \S+ \(Letterbox\) with (?P<protocol>\S+)"
    r"(?:\s+\(using (?P<tls>\S+) with cipher (?P<cipher>[^)\s]+)\))?"
    r"(?:\s+id \S+)?(?:\s+for <(?P<for_>[^>]*)>)?"
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of one message. Its texts are not safe for a terminal (see `terminal.plain`)."""

    stored: Stored
    size: int
    sender: str
    recipient: str
    subject: str
    date: str
    reverse_path: str
    delivered_to: str
    peer: str
    helo: str
    protocol: str
    tls: str  # such as TLSv1.3; empty if the message came in clear text
    cipher: str
    sent_to: str  # the recipient as the sender wrote it; empty if there were several

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints. Keys are only ever added."""
        return {
            "id": self.stored.identity,
            "arrived": timestamp(self.stored.arrived),
            "mailbox": str(self.stored.maildir),
            "from": self.sender,
            "to": self.recipient,
            "subject": self.subject,
            "date": self.date,
            "size": self.size,
            "tls": self.tls or None,
            "cipher": self.cipher or None,
            "protocol": self.protocol,
            "peer": self.peer,
            "helo": self.helo,
            "return_path": self.reverse_path,
            "delivered_to": self.delivered_to,
            "sent_to": self.sent_to or None,
            "path": self.stored.path,
        }


def read(message: Stored) -> Summary:
    """Summarise a message. Raises OSError if its file cannot be read, for example if it was moved."""
    head, size = stored.head(message)
    return summary(message, headers.parse_fields(head), size)


def summary(message: Stored, fields: Fields, size: int) -> Summary:
    """The summary of a message. `fields` are those of its file, with our trace. `size` is in octets."""
    trace = _RECEIVED.match(fields.text("received").replace("\t", " "))
    said = {key: value or "" for key, value in trace.groupdict().items()} if trace else {}
    return Summary(
        stored=message,
        size=size,
        sender=fields.text("from")[: headers.LONGEST],
        recipient=fields.text("to")[: headers.LONGEST],
        subject=fields.text("subject")[: headers.LONGEST],
        date=fields.text("date")[: headers.LONGEST],
        reverse_path=fields.text("return-path")[: headers.LONGEST].strip("<>"),
        delivered_to=fields.text("delivered-to")[: headers.LONGEST],
        peer=said.get("peer", ""),
        helo=said.get("helo", ""),
        protocol=said.get("protocol", ""),
        tls=said.get("tls", ""),
        cipher=said.get("cipher", ""),
        sent_to=said.get("for_", ""),
    )


def timestamp(seconds: int) -> str:
    """A time in seconds since 1970 as UTC in the form of RFC 3339."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
