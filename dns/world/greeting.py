"""What answers on port 25 of an address: the greeting (RFC 5321, 4.2), and STARTTLS (RFC 3207).

No mail is sent. The certificate is not checked: senders do not check one either (RFC 7435).
"""

import errno
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a connection went.

    ``failure`` is why there is no greeting: ``timeout``, ``refused``, ``unreachable``, ``no route``
    or ``silent`` (connected, and no greeting came); empty where there is one.
    ``tls`` is None where STARTTLS is not offered, else empty or what went wrong with it.
    """

    failure: str = ""
    code: int = 0
    text: str = ""
    tls: str | None = ""

    @property
    def name(self) -> str:
        """The name that it greets by."""
        words = self.text.split()
        return words[0].rstrip(".").lower() if words else ""


def greet(address: str, *, port: int = 25, seconds: float = CONNECT_SECONDS) -> Greeting:
    """Connect, read the greeting, try STARTTLS, and leave. Never raises."""
    # Without a name it would look this machine's up, which can take long.
    smtp = smtplib.SMTP(timeout=seconds, local_hostname="[127.0.0.1]")
    try:
        try:
            code, text = smtp.connect(address, port)
        except OSError as error:
            return Greeting(failure=_reason(error))
        if code != 220:
            return Greeting(code=code, text=_line(text))
        smtp.local_hostname = _literal(smtp.sock)
        return Greeting(code=code, text=_line(text), tls=_tls(smtp))
    finally:
        with suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        smtp.close()


def _tls(smtp: smtplib.SMTP) -> str | None:
    try:
        smtp.ehlo()
        if not smtp.has_extn("starttls"):
            return None
        # Opportunistic TLS takes any certificate and old versions alike: the other way is no TLS.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        code, text = smtp.docmd("STARTTLS")
        if code != 220 or smtp.sock is None:
            return f"answered {code} {_line(text)}"
        smtp.sock = context.wrap_socket(smtp.sock)
        smtp.file = None  # the reply to QUIT comes through TLS
        return ""
    except (OSError, smtplib.SMTPException) as error:
        return " ".join(str(error).split())[:120] or type(error).__name__


def _reason(error: OSError) -> str:
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


def _literal(connection: socket.socket | None) -> str:
    """This machine's address as EHLO takes it: it may have no name (RFC 5321, 4.1.3)."""
    address = connection.getsockname()[0] if connection else "127.0.0.1"
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _line(text: bytes) -> str:
    return " ".join(text.decode("ascii", "replace").split())[:200]
