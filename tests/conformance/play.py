"""Playing one dialogue over one connection, and comparing the replies with the expected ones.

`play` never raises because of the server. The Outcome tells the line of the dialogue at which the server
differed, what was expected and what came.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.dialogue import Dialogue, Step, filled, octets


@dataclass(frozen=True, slots=True)
class Server:
    """Where a receiver listens, and the addresses it serves. `mailbox` is the Maildir of `to`, if known."""

    host: str
    port: int
    values: Mapping[str, str]
    mailbox: Path | None = None
    patience: float = 15.0  # seconds for one reply


@dataclass(frozen=True, slots=True)
class Outcome:
    """`mark` is "ok", "differs" or "skipped". `why` tells the line, what was expected and what came."""

    mark: str
    why: str = ""


class _Differs(Exception):
    pass


ADDRESSES = {
    "to": "alice@example.test", "other": "bob@example.test", "unknown": "nobody-here@example.test",
    "foreign": "someone@elsewhere.test", "domain": "example.test",
}  # fmt: skip


def offers(server: Server) -> frozenset[str]:
    """The keywords that EHLO offers. Raises OSError if nobody answers."""
    with _Wire(server) as wire:
        wire.reply()
        wire.send(b"EHLO client.test\r\n")
        lines = wire.reply().split("\n")[1:]
    return frozenset(line[4:].split()[0].upper() for line in lines if line[4:].strip())


def play(dialogue: Dialogue, server: Server, offered: frozenset[str]) -> Outcome:
    """Play the dialogue with the server."""
    if missing := set(dialogue.needs) - offered:
        return Outcome("skipped", f"{', '.join(sorted(missing))} not offered")
    chosen = {name: filled(value, server.values) for name, value in dialogue.values.items()}
    values = {**server.values, **chosen}
    number = 0
    try:
        with _Wire(server) as wire:
            for step in dialogue.steps:
                number = step.line
                wire.take(step, values)
            wire.flush()
    except _Differs as difference:
        return Outcome("differs", f"line {number}: {difference}")
    except (OSError, EOFError) as error:
        return Outcome("differs", f"line {number}: {error or type(error).__name__}")
    return Outcome("ok")


class _Wire:
    """A connection that gathers octets, to send them in one piece."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._socket: socket.socket = socket.create_connection((server.host, server.port), server.patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._out = b""
        self._in = b""
        self._piece = 0

    def __enter__(self) -> _Wire:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def take(self, step: Step, values: Mapping[str, str]) -> None:
        text = filled(step.text, values)
        if step.word == "C":
            self._out += octets(text) + b"\r\n"
            return
        if step.word == "R":
            self._out += octets(text)
            return
        if step.word == "repeat":
            times, _, repeated = text.partition(" ")
            self._out += octets(repeated) * int(times)
            return
        self.flush()
        if step.word == "S":
            self._expect(text)
        elif step.word == "wait":
            time.sleep(float(text))
        elif step.word == "pieces":
            self._piece = int(text)
        elif step.word == "silence":
            self._silence(float(text))
        elif step.word == "starttls":
            self._shake_hands()
        elif step.word == "closed":
            self._closed()
        elif step.word == "half-close":
            self._socket.shutdown(socket.SHUT_WR)
        elif step.word == "stored" and self._server.mailbox:
            self._stored(octets(text))

    def flush(self) -> None:
        sent, self._out = self._out, b""
        if not sent:
            return
        try:
            if self._piece:
                for at in range(0, len(sent), self._piece):
                    self._socket.sendall(sent[at : at + self._piece])
            else:
                self.send(sent)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The next read gets what the server sent before it hung up.

    def send(self, sent: bytes) -> None:
        self._socket.sendall(sent)

    def reply(self) -> str:
        """One whole reply, with its lines joined by newlines. Raises EOFError, TimeoutError."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            while b"\n" not in self._in:
                received = self._socket.recv(65536)
                if not received:
                    raise EOFError(f"hung up{f' after {lines}' if lines else ''}")
                self._in += received
            line, _, self._in = self._in.partition(b"\n")
            lines.append(line.decode("utf-8", "replace").removesuffix("\r"))
        return "\n".join(lines)

    def _expect(self, pattern: str) -> None:
        try:
            reply = self.reply()
        except TimeoutError:
            raise _Differs(f"expected {pattern}, got no reply") from None
        except (EOFError, ConnectionResetError):
            raise _Differs(f"expected {pattern}, the server hung up") from None
        if not re.match(pattern, reply):
            raise _Differs(f"expected {pattern}, got {reply!r}")

    def _silence(self, seconds: float) -> None:
        self._socket.settimeout(seconds)
        try:
            received = self._in or self._socket.recv(1000)
        except TimeoutError:
            self._socket.settimeout(self._server.patience)
        else:
            raise _Differs(f"expected silence, got {received!r}" if received else "the server hung up")

    def _shake_hands(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)

    def _closed(self) -> None:
        try:
            received = self._in or self._socket.recv(1000)
        except TimeoutError:
            raise _Differs("expected the server to hang up, it did not") from None
        except OSError:
            return
        if received:
            raise _Differs(f"expected the server to hang up, got {received!r}")

    def _stored(self, expected: bytes) -> None:
        assert self._server.mailbox
        if not any(expected in path.read_bytes() for path in (self._server.mailbox / "new").glob("*")):
            raise _Differs(f"no message in the mailbox has {expected!r}")
