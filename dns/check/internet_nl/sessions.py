"""What only a whole TLS session shows: renegotiation, and data before the handshake (0-RTT).

openssl(1) makes the session, because Python's ssl can do neither. Without it both are unknown.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from dns.check.internet_nl.dialogue import NoAnswer, Place
from dns.names import ip_version

MOST_RENEGOTIATIONS = 10  # that the guidelines call limited (NCSC-NL 2025, section 3.4.2)

_REPLY = re.compile(rb"^[2-5][0-9][0-9][ -][^\n]*\n", re.MULTILINE)
_AGAIN = re.compile(rb"RENEGOTIATING\s")
_VERIFIED = re.compile(rb"^depth=0|^verify return", re.MULTILINE)
_LINE = re.compile(rb"\n")
_EARLY = re.compile(rb"Max Early Data: ([0-9]+)")


@dataclass(slots=True)
class _Session:
    """A running `openssl s_client`, whose output is read up to what is looked for."""

    process: subprocess.Popen[bytes]
    seconds: float
    said: bytes = b""
    at: int = field(default=0)

    def say(self, line: bytes) -> None:
        """Write a line. If the session has ended, what is read next says so."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def wait_for(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether this comes before the session ends. Raises NoAnswer if neither happens in time."""
        assert self.process.stdout is not None
        ends = time.monotonic() + self.seconds
        while not (found := pattern.search(self.said, self.at)):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, ends - time.monotonic()))
            if not ready:
                raise NoAnswer("no answer in time")
            octets = os.read(self.process.stdout.fileno(), 65536)
            if not octets:
                return False
            self.said += octets
        self.at = found.end()
        return True


def renegotiations(place: Place) -> int:
    """How often a client may start a new handshake in one session, up to one more than is called limited.

    Raises NoAnswer.
    """
    with _session(place, "-tls1_2") as session:
        if not session.wait_for(_REPLY):
            raise NoAnswer("openssl s_client could make no session with TLS 1.2")
        done = 0
        while done <= MOST_RENEGOTIATIONS:
            session.say(b"R\n")
            if not session.wait_for(_AGAIN):
                return _ended(session, done)
            if not session.wait_for(_VERIFIED):
                return _ended(session, done)
            done += 1
        return done


def _ended(session: _Session, done: int) -> int:
    """The count, if the session ended because the server refused. A server may refuse the next one only."""
    if b"RENEGOTIATING" not in session.said:
        raise NoAnswer("openssl s_client ended before it asked for a renegotiation")
    return done


def early_data(place: Place) -> int:
    """How many octets the server takes before the handshake of a resumed session ends. Raises NoAnswer."""
    with _session(place, "-tls1_3") as session:
        if not session.wait_for(_REPLY):  # what is left of the dialogue before TLS
            raise NoAnswer("openssl s_client could make no session with TLS 1.3")
        session.say(b"NOOP\r\n")
        if not session.wait_for(_REPLY):  # tickets come before it
            raise NoAnswer("the session ended before an answer to NOOP")
        session.say(b"Q\n")
        while session.wait_for(_LINE):  # s_client may write of tickets later than what came after them
            pass
        return max((int(number) for number in _EARLY.findall(session.said)), default=0)


@contextmanager
def _session(place: Place, version: str) -> Iterator[_Session]:
    where = f"[{place.address}]" if ip_version(place.address) == 6 else place.address
    command = ["openssl", "s_client", "-starttls", "smtp", "-connect", f"{where}:{place.port}", version]
    command += ["-servername", place.hostname, "-name", "localhost", "-cipher", "ALL:@SECLEVEL=0"]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,  # nothing is left to be written when it has ended
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError as error:
        raise NoAnswer(f"openssl cannot be run ({error.strerror})") from None
    with process:
        try:
            yield _Session(process, place.seconds)
        finally:
            process.kill()
