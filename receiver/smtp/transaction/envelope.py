"""The envelope of one mail transaction (RFC 5321 section 2.3.1). It never holds the content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiosmtpd import smtp

from receiver.addresses import Address
from receiver.mailbox import Mailbox
from receiver.recipients import Destination

if TYPE_CHECKING:
    from receiver.checks.check import MessageCheck


class Envelope(smtp.Envelope):
    """aiosmtpd's envelope and our additions. It lasts from MAIL to the end of the message, or to RSET."""

    def __init__(self) -> None:
        super().__init__()
        self.reverse_path: Address | None = None
        self.destinations: dict[Mailbox, Destination] = {}
        self.refused_any = False  # whether a recipient was refused
        self.full_any = False  # whether the mailbox of a recipient was full
        self.size = 0  # octets of the message, as SIZE of MAIL declares them; 0 if it does not
        # One-time addresses as local part and domain, with the time of their RCPT by the monotonic clock.
        self.one_time: dict[tuple[str, str], float] = {}
        self.is_heartbeat = False  # whether its one recipient is an address of this host's heartbeat
        self.rejects_forged = False  # whether the domains of its recipients want no forged mail
        self.check: MessageCheck | None = None  # the checks of the sender, from the first recipient on
        self.identity = ""
        self.began_at = 0.0  # when the content began, in seconds since 1970
        self.head = bytearray()  # the beginning of the content, which holds the header section
        self.head_ended = False
