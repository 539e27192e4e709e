"""Checks over SMTP on the loopback interface: greeting, STARTTLS, RCPT, and a message that is stored."""

from __future__ import annotations

import contextlib
import os
import smtplib
import socket
import ssl
import stat
import time
from pathlib import Path

from receiver import one_time
from receiver.config.values import Config
from receiver.doctor.links import Link
from receiver.doctor.units import DEPLOY, JOURNAL, RESTART, last_line
from receiver.recipients import Domain
from receiver.system import privileges

SECONDS = 5.0
_LARGEST_TEST_MESSAGE = 4096  # octets, with its trace fields
SENDER = "doctor@letterbox.invalid"


def check_greeting(config: Config, port: int) -> Link:
    """The service greets with 220 and the hostname, over IPv4 and IPv6."""
    for address in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((address, port), SECONDS) as connection:
                connection.settimeout(SECONDS)
                line = connection.makefile("rb").readline(600).decode("ascii", "replace").strip()
        except TimeoutError:
            evidence = f"{address} port {port} accepts the connection, but says nothing for {SECONDS:g} s"
            return Link("greeting", evidence, RESTART)
        except OSError as error:
            if address == "::1" and not Path("/proc/net/if_inet6").exists():
                continue  # The host has no IPv6.
            return Link("greeting", f"{address} port {port}: {error.strerror or error}", RESTART)
        if line.split()[:2] != ["220", config.hostname]:
            evidence = f"{address} port {port} says {line!r}, not 220 {config.hostname}"
            return Link(
                "greeting", evidence, f"{RESTART}; if another program answers: ss -ltnp 'sport = :25'"
            )
    return Link("greeting", f"220 {config.hostname}")


def _session(port: int) -> smtplib.SMTP:
    session = smtplib.SMTP("127.0.0.1", port, "doctor.letterbox.invalid", timeout=SECONDS)
    session.ehlo()
    return session


def check_starttls(config: Config, port: int) -> Link:
    """The service offers STARTTLS, and the handshake succeeds.

    Most senders check neither the name nor the issuer of the certificate (RFC 7435), so this does not either.
    """
    if config.tls is None:
        return Link("STARTTLS", "the configuration has no [tls]: mail comes in clear text", DEPLOY)
    try:
        with _session(port) as session:
            if not session.has_extn("starttls"):
                return Link("STARTTLS", "the service does not offer it", RESTART)
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            session.starttls(context=context)
            assert isinstance(session.sock, ssl.SSLSocket)
            version, served = session.sock.version(), session.sock.getpeercert(binary_form=True)
        on_disk = ssl.PEM_cert_to_DER_cert(_first_certificate(config.tls.certificate))
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return Link("STARTTLS", f"it fails: {_text(error)}", f"{JOURNAL}; {RESTART}")
    if served != on_disk:
        evidence = f"the service shows another certificate than that of {config.tls.certificate}"
        return Link("STARTTLS", evidence, f"{RESTART}; {JOURNAL}")
    return Link("STARTTLS", f"{version}")


def _first_certificate(path: Path) -> str:
    """The host's own certificate, which is the first of its chain. Raises ValueError if there is none."""
    text = path.read_text("ascii", "replace")
    begin, end = (text.index(f"-----{word} CERTIFICATE-----") for word in ("BEGIN", "END"))
    return text[begin : text.index("\n", end)] if "\n" in text[end:] else text[begin:]


def check_rcpt(config: Config, port: int) -> Link:
    """The service accepts the postmaster and the first mailbox of each domain as recipients."""
    try:
        with _session(port) as session:
            for address in (address for domain in config.domains for address in _addresses(domain)):
                session.rset()
                code, text = session.mail(SENDER)
                if code != 452:  # 452 means that storage is short, which the next link checks.
                    code, text = session.rcpt(address)
                if code not in (250, 452):
                    evidence = f"RCPT TO:<{address}> is answered {code} {text.decode('utf-8', 'replace')}"
                    return Link("RCPT", evidence, f"{RESTART} (it may run with an older configuration)")
    except (smtplib.SMTPException, OSError) as error:
        return Link("RCPT", f"the conversation fails: {_text(error)}", f"{JOURNAL}; {RESTART}")
    count = sum(len(_addresses(domain)) for domain in config.domains)
    return Link("RCPT", f"{count} addresses at {len(config.domains)} domain(s) are accepted")


def _addresses(domain: Domain) -> list[str]:
    names = dict.fromkeys(["postmaster", *sorted(domain.mailboxes or ())[:1]])
    return [f"{name}@{domain.name}" for name in names]


def check_storing(config: Config, port: int) -> Link:
    """The service stores a test message to a one-time address. The message is removed again."""
    local, domain = one_time.new_local_part(), config.domains[0].name
    user = privileges.owner(config.mail)
    began = time.monotonic()
    try:
        with one_time.open_address(config.proofs, local, domain, config.mail):
            failure = privileges.ask_child(user, lambda: _send(f"{local}@{domain}", port), network=True)
    except OSError as error:
        failure = _text(error)
    if failure:
        return Link("Maildir", f"a test message is not stored: {failure} ({last_line()})", JOURNAL)
    privileges.ask_child(user, lambda: _remove_test_messages(config.mail / domain / one_time.MAILBOX / "new"))
    milliseconds = (time.monotonic() - began) * 1000
    return Link("Maildir", f"a test message was stored in {milliseconds:.0f} ms, and removed again")


_TEST_MESSAGE = "From: <doctor@letterbox.invalid>\r\nSubject: letterbox doctor\r\n\r\nA test message.\r\n"


def _send(recipient: str, port: int) -> str:
    """Send the test message. Returns the failure as a line; empty if it was stored."""
    try:
        with _session(port) as session:
            session.sendmail(SENDER, [recipient], _TEST_MESSAGE)
    except (smtplib.SMTPException, OSError) as error:
        return _text(error)
    return ""


def _remove_test_messages(folder: Path) -> None:
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # It may be a link, or may be gone.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                state = os.fstat(fd)
                if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST_TEST_MESSAGE:
                    continue
                if file.read().endswith(_TEST_MESSAGE.encode()):
                    path.unlink()


def _text(error: Exception) -> str:
    """The error as a line: the reply of the server, or the error's own text."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, octets = next(iter(error.recipients.values()))
        return f"{code} {octets.decode('utf-8', 'replace')}"
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__
