"""Every reply of the receiver, with its code and enhanced status code (RFC 5321 section 4.2, RFC 3463).

Programs decide by `Reply.code`, never by the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. A text of several lines makes a reply of several lines."""

    code: int
    enhanced: str  # the enhanced status code; empty if RFC 2034 wants none
    text: str
    octets: bytes = field(init=False, repr=False, compare=False)  # the reply as sent, with CRLF

    def __post_init__(self) -> None:
        head = f"{self.enhanced} " if self.enhanced else ""
        if "\n" in self.text:
            *lines, last = self.text.split("\n")
            text = (
                "".join(f"{self.code}-{head}{line}\r\n" for line in lines) + f"{self.code} {head}{last}\r\n"
            )
        else:
            text = f"{self.code} {head}{self.text}\r\n"
        object.__setattr__(self, "octets", text.encode("utf-8", "replace"))

    def __str__(self) -> str:
        return self.octets.decode("utf-8").rstrip("\r\n")

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_refusal(self) -> bool:
        """Whether it is a permanent negative reply (5yz), after which the sender must not try again."""
        return self.code >= 500


OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender OK")
CANNOT_VERIFY = Reply(252, "2.5.0", "Cannot verify the address, but will accept a message for it")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
SEND_MESSAGE = Reply(354, "", "Send the message, end with a dot on its own line")

SPOKE_EARLY = Reply(421, "4.5.0", "You spoke before our greeting, closing the connection")
INTERNAL_ERROR = Reply(421, "4.3.0", "Internal error, try again later")
TOO_MANY_MESSAGES = Reply(421, "4.7.0", "Too many messages in one session")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors, closing the connection")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands, closing the connection")
TOO_MANY_CONNECTIONS = Reply(421, "4.3.2", "Too many connections, try again later")
TOO_MANY_FROM_ADDRESS = Reply(421, "4.7.0", "Too many connections from your address")
TOO_MANY_FROM_NETWORK = Reply(421, "4.7.0", "Too many connections from your network")

NO_ROOM = Reply(452, "4.3.1", "Not enough storage, try again later")
MAILBOX_FULL = Reply(452, "4.2.2", "Mailbox full, try again later")
MAILBOX_UNAVAILABLE = Reply(451, "4.2.1", "Mailbox not available, try again later")
MAILBOX_UNWRITABLE = Reply(451, "4.2.0", "Mailbox cannot be written, try again later")
BUCKET_AWAY = Reply(451, "4.3.0", "Mail cannot be stored safely now, try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the rest in another message")
HEARTBEAT_ALONE = Reply(452, "4.5.3", "A test message has one recipient, send the rest in another message")
OTHER_DOMAIN = Reply(
    452, "4.5.3", "Send this recipient's mail in another message: its domain treats forged mail differently"
)

NOT_RECOGNISED = Reply(500, "5.5.1", "Command not recognised")
NO_EXPN = Reply(502, "5.5.1", "EXPN not offered")
NO_AUTH = Reply(502, "5.5.1", "AUTH not offered")
NO_STARTTLS = Reply(502, "5.5.1", "STARTTLS not offered")
TLS_ALREADY = Reply(503, "5.5.1", "TLS is already in use")
SAY_HELO_FIRST = Reply(503, "5.5.1", "Say HELO or EHLO first")
SAY_MAIL_FIRST = Reply(503, "5.5.1", "Say MAIL first")
SAY_RCPT_FIRST = Reply(503, "5.5.1", "Say RCPT first")
SENDER_ALREADY = Reply(503, "5.5.1", "The sender was given already")
RCPT_AFTER_BDAT = Reply(503, "5.5.1", "RCPT must come before BDAT")
DATA_AFTER_BDAT = Reply(503, "5.5.1", "DATA and BDAT cannot be mixed")
NO_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
NULL_RECIPIENT = Reply(553, "5.1.3", "The null path cannot be a recipient")
SENDER_WITHOUT_DOMAIN = Reply(553, "5.1.7", "The sender's address needs a domain")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "A non-ASCII address needs SMTPUTF8")
SIZE_NO_NUMBER = Reply(501, "5.5.4", "SIZE must be a number")
BODY_UNKNOWN = Reply(501, "5.5.4", "BODY must be 7BIT or 8BITMIME")
SMTPUTF8_VALUE = Reply(501, "5.5.4", "SMTPUTF8 takes no value")
LOOP = Reply(554, "5.4.6", "Too many hops, the message loops")
HEADER_TOO_LARGE = Reply(552, "5.3.4", "header section too large")
SPAM = Reply(554, "5.7.1", "Message refused: our spam filter takes it for spam")
BDAT_WITHOUT_SIZE = Reply(501, "5.5.4", "Syntax: BDAT size [LAST]; closing the connection")


def greeting(hostname: str) -> Reply:
    return Reply(220, "", f"{hostname} ESMTP Letterbox")


def hello(hostname: str, offers: Sequence[str] = ()) -> Reply:
    """The reply to HELO, or with the offered extensions to EHLO (RFC 5321 section 4.1.1.1)."""
    return Reply(250, "", "\n".join((hostname, *offers)))


def help_with(verbs: Sequence[str]) -> Reply:
    return Reply(214, "2.0.0", f"{' '.join(verbs)} (RFC 5321)")


def syntax(usage: str) -> Reply:
    return Reply(501, "5.5.4", f"Syntax: {usage}")


def goodbye(hostname: str) -> Reply:
    return Reply(221, "2.0.0", f"{hostname} closing the connection")


def timed_out(hostname: str) -> Reply:
    return Reply(421, "4.4.2", f"{hostname} Timed out, closing the connection")


def shutting_down(hostname: str) -> Reply:
    return Reply(421, "4.3.2", f"{hostname} is shutting down, try again later")


def not_understood(reason: str) -> Reply:
    """The reply to a line that cannot be a command (RFC 5321 section 2.3.8)."""
    return Reply(500, "5.5.2", f"Command not understood: {reason}")


def bad_argument(enhanced: str, reason: str) -> Reply:
    """The reply to a path or parameter that cannot be parsed (`addresses.AddressError`)."""
    return Reply(501, enhanced, reason)


def parameter_unknown(verb: str, keyword: str) -> Reply:
    return Reply(555, "5.5.4", f"{verb} parameter {keyword[:40]} not recognised")


def recipient_ok(recipient: str) -> Reply:
    return Reply(250, "2.1.5", f"{recipient} OK")


def not_served(recipient: str) -> Reply:
    return Reply(550, "5.7.1", f"{recipient}: this host does not serve the domain, and does not relay")


def no_mailbox(recipient: str) -> Reply:
    return Reply(550, "5.1.1", f"{recipient}: no such mailbox here")


def mailbox_full(recipient: str) -> Reply:
    return Reply(452, "4.2.2", f"{recipient}: mailbox full, try again later")


def too_large(limit: int, *, closing: bool = False) -> Reply:
    """The reply to a message over `limit` octets."""
    end = "; closing the connection" if closing else ""
    return Reply(552, "5.3.4", f"Message too large, the limit is {limit} octets{end}")


def refused(enhanced: str, reason: str) -> Reply:
    """The reply to a message with faulty line ends, NUL octets or overlong lines."""
    return Reply(554, enhanced, f"Message refused: {reason}")


def forged(author: str) -> Reply:
    """The reply to a message that fails DMARC (RFC 7372 section 3.3 has the code)."""
    return Reply(550, "5.7.26", f"{author} did not send this, and asks to reject such mail (DMARC)")


def chunk_ok(octets: int) -> Reply:
    return Reply(250, "2.0.0", f"{octets} octets so far")


def stored(identity: str) -> Reply:
    return Reply(250, "2.0.0", f"Stored as {identity}")
