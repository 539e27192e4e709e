"""The HTTP of the stand-in: requests as values, and answers as they are or as an ordered fault makes them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from tests.lab.cloudflare.api import Request
from tests.lab.cloudflare.faults import Fault
from tests.lab.cloudflare.refusals import Refusal
from tests.lab.cloudflare.uploads import Raw

BASE = "/client/v4"
Answered = tuple[int, dict[str, Any] | Raw | None, Mapping[str, str]]  # status, body, extra headers


class Answering(Protocol):
    """Who answers: the stand-in. `requests` is the log of what was asked."""

    requests: list[Request]

    def fault_for(self, request: Request) -> Fault | None:
        """What goes wrong with the request, if anything."""

    def answer(self, request: Request) -> Answered:
        """Carry the request out."""

    def answer_as_if_made(self, request: Request) -> Answered:
        """The answer to a change that is not made."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    standin: Answering

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report nothing: the client went away."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def server_at(listen: tuple[str, int], standin: Answering) -> ThreadingHTTPServer:
    """A server that listens there, and does not serve yet."""
    server = (_Server6 if ":" in listen[0] else _Server)(listen, _Handler)
    server.standin = standin
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # An answer is one segment. A second one would wait for the delayed acknowledgement of the first.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        standin = self.server.standin
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(
            method=self.command,
            path=parts.path.removeprefix(BASE).rstrip("/"),
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            client=str(self.client_address[0]),
        )
        standin.requests.append(request)
        fault = standin.fault_for(request)
        match fault.kind if fault else None:
            case "cut_before":
                return self._cut()
            case "cut_after":
                standin.answer(request)
                return self._cut()
            case "cut_during":
                self._send(*standin.answer(request), cut=True)
                return self._cut()
            case "hollow":
                status, body, headers = standin.answer(request)
                return self._send(status, {**_mapping(body), "result": {}}, headers)
            case "unmade":
                status, body, headers = standin.answer_as_if_made(request)
                return self._send(status, fault.change(_mapping(body)), headers)
            case "changed":
                status, body, headers = standin.answer(request)
                return self._send(status, fault.change(_mapping(body)), headers)
            case "html":
                return self._send_html(fault)
            case "refuse":
                refusal = Refusal(fault.status, fault.code, fault.message, headers=fault.headers)
                return self._send(refusal.status, refusal.body(), refusal.headers)
            case "stall":
                self.rfile.read(1)  # until the client hangs up
                return self._cut()
        self._send(*standin.answer(request))
        return None

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _send(self, status: int, body: object, headers: Mapping[str, str], *, cut: bool = False) -> None:
        encoded = (
            body.body if isinstance(body, Raw) else json.dumps(body).encode() if body is not None else b""
        )
        kind = body.type if isinstance(body, Raw) else "application/json"
        self.send_response(status)
        for name, value in {"content-type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded[: len(encoded) // 2] if cut else encoded)
        self.wfile.flush()

    def _send_html(self, fault: Fault) -> None:
        page = fault.page.encode()
        self.send_response(fault.status)
        self.send_header("content-type", "text/html; charset=UTF-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        if os.environ.get("STANDIN_LOG"):
            super().log_message(format, *args)


def _mapping(body: object) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}
