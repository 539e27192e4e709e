"""A target on loopback: an HTTP or HTTPS server that answers as a test says, octet for octet."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """What a hook sent. The names of header fields are in lower case. `sni` is the name that TLS named."""

    line: str
    headers: dict[str, str]
    body: bytes
    sni: str | None = None

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[socket.socket, Request], None]
"""Answers a request on its connection, which is closed after that."""


def octets(*pieces: bytes) -> Answer:
    """Send these octets, and end the stream."""

    def answer(connection: socket.socket, request: Request) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return answer


def status(line: str, *fields: str, body: bytes = b"") -> Answer:
    """Answer with this status, such as `500 Internal Server Error`."""
    head = "".join(f"{field}\r\n" for field in (*fields, f"Content-Length: {len(body)}"))
    return octets(f"HTTP/1.1 {line}\r\n{head}\r\n".encode() + body)


def dripping(head: bytes, drop: bytes, ended: threading.Event) -> Answer:
    """Send `head`, and then `drop` ten times a second, until `ended`."""

    def answer(connection: socket.socket, request: Request) -> None:
        connection.sendall(head)
        while not ended.wait(0.1):
            connection.sendall(drop)

    return answer


class Target:
    """Serves at `port` of 127.0.0.1 until it is left. `answer` may be changed at any time."""

    def __init__(self, answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer or octets(OK)
        self.requests: list[Request] = []
        self.connections = 0
        self._tls = tls
        self._names: dict[int, str | None] = {}
        if tls:
            tls.sni_callback = self._named
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Target:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listening.close()

    @property
    def ids(self) -> Counter[str]:
        """How often each message came."""
        return Counter(each.id for each in list(self.requests))

    def url(self, path: str = "/mail") -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{path}"

    def _named(self, connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        self._names[threading.get_ident()] = name

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                stack.enter_context(connection)
            request = self._read(connection)
            if request is None:
                return
            self.requests.append(request)
            self.answer(connection, request)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)

    def _read(self, connection: socket.socket) -> Request | None:
        with connection.makefile("rb") as file:
            line = file.readline().decode("latin-1").strip()
            headers: dict[str, str] = {}
            while field := file.readline().decode("latin-1").strip():
                name, _, value = field.partition(":")
                headers[name.lower()] = value.strip()
            if "webhook-id" not in headers:
                return None  # The hook was killed before it had sent all, or it speaks something else.
            length = int(headers.get("content-length", 0))
            body = file.read(length)
        if len(body) < length:
            return None
        return Request(line, headers, body, self._names.get(threading.get_ident()))
