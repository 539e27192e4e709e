"""What may stand between us and an authority: HTTPS that hands requests on, and fails as it is told."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time

PREFIX = "urn:ietf:params:acme:error:"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A problem document (RFC 8555, 6.7) that is answered in place of the authority's answer."""

    status: int
    kind: str
    detail: str = "No."
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Gateway:
    """Hands HTTPS requests on to an authority at a port of 127.0.0.1. Use as a context manager.

    `refuse` gets the path of each request, and what it returns is answered. `ahead` is how many seconds the
    clock of the authority is ahead. `asked` are the paths so far, and `account` is the URI of the account
    that made the last request (RFC 8555, section 6.2).
    """

    to_port: int
    certificate: Path
    key: Path
    refuse: Callable[[str], Refusal | None] = lambda _: None
    ahead: float = 0.0
    asked: list[str] = field(default_factory=list)
    account: str = ""

    def __enter__(self) -> Gateway:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gateway = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def directory(self) -> str:
        """The URL of the authority's directory, through this gateway."""
        return f"https://127.0.0.1:{self._server.server_address[1]}/dir"


def _account(body: bytes) -> str:
    """The account whose key signed the request. Empty if it is signed by a key that has none yet."""
    if not body:
        return ""
    protected = json.loads(body)["protected"]
    return str(json.loads(base64.urlsafe_b64decode(protected + "==")).get("kid") or "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    gateway: Gateway

    def handle_error(self, request: object, client_address: object) -> None:
        """Report nothing: the client went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        gateway = self.server.gateway
        gateway.asked.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        gateway.account = _account(body)
        refusal = gateway.refuse(self.path)
        if refusal:
            problem = {"type": PREFIX + refusal.kind, "detail": refusal.detail}
            kind = ("Content-Type", "application/problem+json")
            self._answer(refusal.status, [kind, *refusal.headers], json.dumps(problem).encode())
            return
        context = ssl.create_default_context(cafile=gateway.certificate)
        onward = http.client.HTTPSConnection("127.0.0.1", gateway.to_port, timeout=30, context=context)
        # The authority makes its URLs of the Host, so they lead here again.
        onward.request(self.command, self.path, body or None, dict(self.headers))
        answer = onward.getresponse()
        skipped = ("content-length", "transfer-encoding", "date", "connection")
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in skipped]
        self._answer(answer.status, headers, answer.read())
        onward.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(time() + self.server.gateway.ahead, usegmt=True))
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""
