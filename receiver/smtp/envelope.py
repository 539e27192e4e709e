"""One transaction: aiosmtpd's envelope, and what it means here. The content is never in it."""

from __future__ import annotations

from aiosmtpd import smtp

from receiver.addresses import Address
from receiver.mailbox import Mailbox
from receiver.recipients import Destination


class Envelope(smtp.Envelope):
    """From MAIL to the end of the message, or to RSET."""

    def __init__(self) -> None:
        super().__init__()
        self.reverse_path: Address | None = None
        self.destinations: dict[Mailbox, Destination] = {}
        self.refused_any = False  # a recipient
        self.one_time: dict[tuple[str, str], float] = {}  # one-time addresses, and when each was named
        self.identity = ""
        self.began = 0.0  # seconds since 1970
        self.head = bytearray()  # the beginning of the content, as far as it is looked at
        self.head_ended = False
