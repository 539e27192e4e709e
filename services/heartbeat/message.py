"""Sending the test message as a stranger would, through port 25 of the host's own addresses."""

from __future__ import annotations

import contextlib
import secrets
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from services.heartbeat.findings import Finding

SENDER = "heartbeat@letterbox.invalid"
SECONDS = 15.0  # for each step of the conversation
# Addresses of nobody (RFC 5737, RFC 3849). Nothing is sent to them: they only choose a source address.
_NOBODY = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True, slots=True)
class Sent:
    """A test message that was sent. `finding` is not well if it was not accepted."""

    finding: Finding
    content: str
    served: bytes | None = None
    """The certificate that the service showed, in DER."""


def own_addresses() -> list[str]:
    """The addresses that this host has on its default routes. Loopback if it has none."""
    found = []
    for family, nobody in _NOBODY:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((nobody, 9))
            found.append(probe.getsockname()[0])
    return found or ["127.0.0.1"]


def send(place: str, port: int, recipient: str, *, starttls: bool) -> Sent:
    """Send a message with a content of its own. `starttls` says whether the service must offer STARTTLS."""
    name, began, served = f"port {port} of {place}", time.monotonic(), None
    content = (
        f"From: <{SENDER}>\r\nTo: <{recipient}>\r\nSubject: Letterbox heartbeat\r\n"
        f"Date: {format_datetime(datetime.now(UTC))}\r\n"
        f"Message-ID: <{secrets.token_hex(8)}@letterbox.invalid>\r\n\r\n"
        f"A test message of this host to itself: {secrets.token_hex(16)}\r\n"
    )
    try:
        with smtplib.SMTP(place, port, "heartbeat.letterbox.invalid", SECONDS) as session:
            session.ehlo_or_helo_if_needed()
            protocol = "in clear text"
            if session.has_extn("starttls"):
                # The certificate is judged by its own finding. Most senders check neither name nor issuer.
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                session.starttls(context=context)
                assert isinstance(session.sock, ssl.SSLSocket)
                served = session.sock.getpeercert(binary_form=True)
                protocol = str(session.sock.version())
            elif starttls:
                return Sent(Finding(name, False, "STARTTLS is not offered"), content)
            session.sendmail(SENDER, [recipient], content)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return Sent(Finding(name, False, f"a test message is not taken: {_text(error)}"), content, served)
    milliseconds = (time.monotonic() - began) * 1000
    words = f"a test message was taken in {milliseconds:.0f} ms, {protocol}"
    return Sent(Finding(name, True, words), content, served)


def _text(error: Exception) -> str:
    """The error as a line: the reply of the server, or the error's own text."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, octets = next(iter(error.recipients.values()))
        return f"{code} {octets.decode('utf-8', 'replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__
