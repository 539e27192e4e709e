"""A summary of a message, from its header fields and from our trace fields (see `sender.trace`)."""

from __future__ import annotations

from dataclasses import dataclass

from receiver import headers
from receiver.checks.verdict import list_id
from receiver.headers import Fields
from receiver.reading import renamed, stored
from receiver.reading.sender import authentication_results, trace, verdict
from receiver.reading.sender.verdict import Verdict
from receiver.reading.stored import Stored


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
    verdict: Verdict
    is_spam: bool  # whether a spam filter said so
    identity: str  # as in the 250 reply, also if a mail client renamed the file

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints. Keys are only ever added."""
        return {
            "id": self.identity,
            "arrived": timestamp(self.stored.arrived),
            "mailbox": str(self.stored.maildir),
            "folder": self.stored.maildir.folder or None,
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
            **self.verdict.to_json(),
            "spam": self.is_spam or None,  # Without a filter it is not known.
        }


def read(message: Stored) -> Summary:
    """Summarise a message. Raises OSError if its file cannot be read, for example if it was moved."""
    head, size = stored.head(message)
    return summary(message, headers.parse_fields(head), size)


def summary(message: Stored, fields: Fields, size: int) -> Summary:
    """The summary of a message. `fields` are those of its file, with our trace. `size` is in octets."""
    ours = trace.read(fields, message.name, lambda: renamed.is_as_received(message))
    results = None if ours.results is None else authentication_results.parse(ours.results)
    return Summary(
        stored=message,
        size=size,
        sender=fields.text("from")[: headers.LONGEST],
        recipient=fields.text("to")[: headers.LONGEST],
        subject=fields.text("subject")[: headers.LONGEST],
        date=fields.text("date")[: headers.LONGEST],
        reverse_path=fields.text("return-path")[: headers.LONGEST].strip("<>"),
        delivered_to=fields.text("delivered-to")[: headers.LONGEST],
        peer=ours.peer,
        helo=ours.helo,
        protocol=ours.protocol,
        tls=ours.tls,
        cipher=ours.cipher,
        sent_to=ours.sent_to,
        verdict=verdict.judge(results, list_id([(b"list-id", fields.raw("list-id"))])),
        is_spam=ours.is_spam,
        identity=ours.identity or message.identity,
    )


def timestamp(seconds: int) -> str:
    """A time in seconds since 1970 as UTC in the form of RFC 3339."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
