"""A dead-man's switch: a real HTTPS server that answers as it is told, and keeps what it got."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHECK = "/ping/3b5c2f5e-0000-4000-8000-5ec2e7a1b2c3"
"""The path of a check of Healthchecks on a server of one's own."""


@dataclass(frozen=True)
class Got:
    """One request."""

    method: str
    path: str
    body: str


@dataclass
class SwitchServer:
    """The running server. `answer` is `ok`, `slow`, `redirect`, `unknown`, or the number of a status."""

    url: str
    certificate: str
    """In PEM: who trusts it trusts the server."""
    got: list[Got] = field(default_factory=list)
    answer: str = "ok"

    @property
    def last(self) -> Got:
        return self.got[-1]


def make_certificate(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate for an IP address, and its key."""
    certificate, key = folder / "switch.pem", folder / "switch.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=switch", "-addext", f"subjectAltName=IP:{address}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@contextmanager
def switch_server(folder: Path, address: str = "127.0.0.1", port: int = 0) -> Iterator[SwitchServer]:
    certificate, key = make_certificate(folder, address)
    running = SwitchServer("", certificate.read_text())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            running.got.append(Got(self.command, self.path, self.rfile.read(size).decode()))
            if running.answer == "slow":
                self.send_response(200)
                self.end_headers()
                for _ in range(200):  # an octet now and then: no time limit of a socket ends this
                    self.wfile.write(b"O")
                    self.wfile.flush()
                    time.sleep(0.1)
                return
            status = {"ok": 200, "unknown": 200, "redirect": 302}.get(running.answer) or int(running.answer)
            self.send_response(status)
            if running.answer == "redirect":
                self.send_header("Location", f"{running.url}/elsewhere")
            self.end_headers()
            self.wfile.write(b"OK (not found)" if running.answer == "unknown" else b"OK")

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that hangs up

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server((address, port), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        running.url = f"https://{address}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
