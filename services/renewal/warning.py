"""The mail to postmaster about a certificate that expires soon: a receiver can always tell its owner.

No authority sends such a mail any more. This one comes through port 25 of the host itself, so it depends on
nothing but the receiver.
"""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from services.renewal.certificates import Certificate
from services.renewal.errors import RenewalError

SECONDS = 30.0


def send(server: str, held: Certificate, outcome: str, now: datetime) -> None:
    """Tell postmaster how long the certificate is good for, and why it was not renewed. Raises RenewalError.

    `server` is `ADDRESS:PORT`. The reverse-path is empty, so that nothing is sent back (RFC 5321, 4.5.5).
    """
    host, _, port = server.rpartition(":")
    message = _message(held, outcome, now)
    try:
        with smtplib.SMTP(
            host.strip("[]"), int(port), local_hostname="localhost", timeout=SECONDS
        ) as session:
            session.sendmail("", ["postmaster"], message.as_bytes(policy=SMTP))
    except (smtplib.SMTPException, OSError) as error:
        raise RenewalError(f"postmaster could not be told through {server} ({error})") from None


def left(until: timedelta) -> str:
    """How long a certificate is good for, in words: `for 12 more days`, `for 5 more hours`, `no longer`."""
    hours = int(until.total_seconds() // 3600)
    if hours >= 48:
        return f"for {hours // 24} more days"
    return f"for {hours} more hours" if until > timedelta() else "no longer"


def _message(held: Certificate, outcome: str, now: datetime) -> EmailMessage:
    name = held.names[0] if held.names else "this host"
    domain = name if held.names else "localhost"
    message = EmailMessage()
    message["From"] = f"Letterbox <postmaster@{domain}>"
    message["To"] = f"postmaster@{domain}"
    message["Subject"] = f"The certificate of {name} is valid {left(held.not_after - now)}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834
    message.set_content(
        f"The certificate of {name} expires at {held.not_after:%Y-%m-%d %H:%M} UTC, and was not renewed.\n\n"
        f"The last run said: {outcome}\n\n"
        "Until then, mail comes as always. After that, senders that require a valid certificate (MTA-STS in\n"
        "the mode enforce) keep their mail and try again. DANE senders and all others still deliver.\n\n"
        "On the host, `letterbox doctor` has the cause and the fix. Every run is in the journal\n"
        "(`journalctl -u letterbox-certificate`). This mail comes once a day until that is done.\n"
    )
    return message
