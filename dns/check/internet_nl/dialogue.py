"""Sending one hello to port 25 of an address, after STARTTLS (RFC 3207), and reading what comes back.

Each hello has a connection of its own, which ends with the answer. No mail is sent.
"""

from __future__ import annotations

import smtplib
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from dns.check.internet_nl.answer import Answer, Reader, Unreadable
from dns.check.internet_nl.hello import Hello
from dns.world.greeting import CONNECT_SECONDS, READY, from_reply


class NoAnswer(Exception):
    """No answer came that tells anything. `str(e)` says why, in words."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address of a mail host, and the name by which senders ask for its certificate (SNI)."""

    hostname: str
    address: str
    port: int = 25
    seconds: float = CONNECT_SECONDS


def ask(place: Place, hello: Hello) -> Answer:
    """Send the hello. Returns the server's choices, or that it has said no.

    A server may also end the connection to say no. Then that is its answer, for it took the connection and
    STARTTLS before. If something else fails it is asked once more. Raises NoAnswer.
    """
    try:
        return _ask_once(place, hello)
    except NoAnswer:
        return _ask_once(place, hello)


def _ask_once(place: Place, hello: Hello) -> Answer:
    # Without a local_hostname smtplib looks up the name of this machine, which can take long.
    smtp = smtplib.SMTP(timeout=place.seconds, local_hostname="[127.0.0.1]")
    try:
        try:
            code, text = smtp.connect(place.address, place.port)
            if code == READY:
                smtp.ehlo()
                code, text = smtp.docmd("STARTTLS")
        except (OSError, smtplib.SMTPException) as error:
            raise NoAnswer(_words(error)) from None
        if code != READY or smtp.sock is None:
            raise NoAnswer(f"answered {code} {from_reply(code, text).text}")
        return _exchange(smtp.sock, hello, place.seconds)
    finally:
        with suppress(OSError):
            smtp.close()


def _exchange(connection: socket.socket, hello: Hello, seconds: float) -> Answer:
    reader = Reader(hello.version)
    ends = time.monotonic() + seconds
    try:
        connection.sendall(hello.octets())
        while reader.answer is None:
            connection.settimeout(max(0.01, ends - time.monotonic()))
            octets = connection.recv(16384)
            if not octets:
                return Answer()
            reader.take(octets)
    except (ConnectionResetError, BrokenPipeError):
        return Answer()
    except OSError as error:
        raise NoAnswer(_words(error)) from None
    except Unreadable as error:
        raise NoAnswer(str(error)) from None
    return reader.answer


def _words(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else " ".join(str(error).split())[:120]
