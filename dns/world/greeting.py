"""What answers on port 25 of an address: the greeting (RFC 5321, 4.2), and STARTTLS (RFC 3207).

The control machine reads greetings here and nowhere else. This file needs nothing but Python, so that
`first_mail.vantage` can run it on another host too. No mail is sent. The certificate is not checked, because
senders do not check it either (RFC 7435).
"""

from __future__ import annotations

import base64
import errno
import smtplib
import socket
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

CONNECT_SECONDS = 10.0
REFERENCE_SECONDS = 5.0
READY = 220  # the code of a greeting by a server that takes mail (RFC 5321, 4.2.3)

Failure = Literal["", "timeout", "refused", "unreachable", "no route", "silent"]


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a connection to port 25 went.

    `failure` says why there is no greeting: `timeout`, `refused`, `unreachable`, `no route`, or `silent` (it
    connected, and no greeting came). It is empty if there is a greeting. `tls` is None if STARTTLS is not
    offered, empty if it works, and else what went wrong.
    """

    failure: Failure = ""
    code: int = 0
    text: str = ""
    tls: str | None = ""
    certificate: str = field(default="", compare=False, repr=False)
    """The certificate that STARTTLS served, in DER and base64. Empty if there was no TLS."""
    chain: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """All certificates that were served, in the same form, with that one first."""

    def __post_init__(self) -> None:
        """Make `chain` a tuple, because it comes as a list through JSON."""
        object.__setattr__(self, "chain", tuple(self.chain))

    @property
    def name(self) -> str:
        """The name that the server greets by."""
        words = self.text.split()
        return words[0].rstrip(".").lower() if words else ""

    @property
    def came_back(self) -> bool:
        """Whether anything came back from the address, even a refusal."""
        return self.failure not in ("timeout", "unreachable", "no route")

    def is_by(self, name: str) -> bool:
        """Whether a mail server greets by this name."""
        return self.code == READY and self.name == name

    def is_by_organisation_of(self, name: str) -> bool:
        """Whether something greets by a name of the organisation that this name belongs to."""
        organisation = ".".join(name.split(".")[-2:])
        return self.name == organisation or self.name.endswith(f".{organisation}")


def from_reply(code: int, text: bytes) -> Greeting:
    """Make a greeting from the code and the text that smtplib read."""
    return Greeting(code=code, text=_line(text))


def greet(address: str, *, port: int = 25, seconds: float = CONNECT_SECONDS) -> Greeting:
    """Connect, read the greeting, try STARTTLS, and leave. Never raises."""
    # Without a local_hostname smtplib looks up the name of this machine, which can take long.
    smtp = smtplib.SMTP(timeout=seconds, local_hostname="[127.0.0.1]")
    try:
        try:
            code, text = smtp.connect(address, port)
        except OSError as error:
            return Greeting(failure=_failure(error))
        if code != READY:
            return from_reply(code, text)
        smtp.local_hostname = _address_literal(smtp.sock)
        tls = _try_starttls(smtp)
        chain = _chain(smtp.sock)
        return Greeting(
            code=code, text=_line(text), tls=tls, certificate=chain[0] if chain else "", chain=chain
        )
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        smtp.close()


def _try_starttls(smtp: smtplib.SMTP) -> str | None:
    try:
        smtp.ehlo()
        if not smtp.has_extn("starttls"):
            return None
        # Opportunistic TLS accepts any certificate and any version, because otherwise there is no TLS at all.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        code, text = smtp.docmd("STARTTLS")
        if code != READY or smtp.sock is None:
            return f"answered {code} {_line(text)}"
        smtp.sock = context.wrap_socket(smtp.sock)
        smtp.file = None  # smtplib opens it anew, so that the reply to QUIT is read through TLS
        return ""
    except (OSError, smtplib.SMTPException) as error:
        return " ".join(str(error).split())[:120] or type(error).__name__


def _chain(connection: socket.socket | None) -> tuple[str, ...]:
    if not isinstance(connection, ssl.SSLSocket):
        return ()
    if sys.version_info >= (3, 13):
        served = connection.get_unverified_chain()
    else:  # the same, before it had a name of its own
        found = connection._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]
        served = [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found]
    return tuple(base64.b64encode(der).decode() for der in served)


def _failure(error: OSError) -> Failure:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "silent"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):
        return "silent"
    if error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return "no route"
    return "unreachable"


def _address_literal(connection: socket.socket | None) -> str:
    """This machine's address as EHLO takes it (RFC 5321, 4.1.3), because the machine may have no name."""
    if connection is None:
        return "[127.0.0.1]"
    address = connection.getsockname()[0]
    return f"[IPv6:{address}]" if connection.family == socket.AF_INET6 else f"[{address}]"


def _line(text: bytes) -> str:
    return " ".join(text.decode("ascii", "replace").split())[:200]
