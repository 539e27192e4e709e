"""A client that speaks raw SMTP, and the content of what the receiver stored."""

from __future__ import annotations

import re
import socket
import ssl

from tests.receiver.processes import DEADLINE


class Client:
    """A blocking SMTP client that sends raw octets. `source` is its own loopback address."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), DEADLINE, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = b""

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def say(self, line: str) -> None:
        self.send(line.encode() + b"\r\n")

    def line(self) -> bytes:
        while b"\n" not in self._input:
            octets = self.socket.recv(65536)
            if not octets:
                raise EOFError(f"closed after {self._input!r}")
            self._input += octets
        line, _, self._input = self._input.partition(b"\n")
        return line + b"\n"

    def reply(self) -> str:
        """One whole reply, with its lines joined by newlines."""
        lines = []
        while True:
            line = self.line()
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode())
            if lines[-1][3:4] != "-":
                return "\n".join(lines)

    def expect(self, *codes: int | str) -> str:
        """Check that the next replies begin with these codes. Returns the last reply."""
        reply = ""
        for code in codes:
            reply = self.reply()
            assert reply.startswith(str(code)), f"expected {code}, got {reply}"
        return reply

    def ask(self, line: str, code: int | str) -> str:
        self.say(line)
        return self.expect(code)

    def begin(self, *recipients: str, sender: str = "<stranger@sender.test>") -> None:
        """Send the commands up to DATA, and read the 354."""
        self.ask(f"MAIL FROM:{sender}", 250)
        for recipient in recipients or ("alice@example.test",):
            self.ask(f"RCPT TO:<{recipient}>", 250)
        self.ask("DATA", 354)

    def closed(self) -> bool:
        """Whether the server has closed the connection and sent nothing more."""
        try:
            return self._input == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def starttls(self) -> None:
        self.ask("STARTTLS", "220 2.0.0")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def content_of(stored: bytes) -> bytes:
    """What the sender sent: the stored file without our three trace fields, and without our results."""
    for name in (
        b"Return-Path:",
        b"Delivered-To:",
        b"Authentication-Results: mx.example.test;",
        b"Received:",
    ):
        if name.startswith(b"Auth") and not stored.startswith(b"Auth"):
            continue
        assert stored.startswith(name), stored[:200]
        stored = re.sub(rb"\A[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", b"", stored, count=1)
    return stored


def listen(family: int, address: str) -> socket.socket:
    """A socket that listens on a free port. An IPv6 socket takes no IPv4 connections."""
    each = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    each.bind((address, 0))
    each.listen(64)
    return each
