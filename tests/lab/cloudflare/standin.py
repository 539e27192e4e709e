"""The stand-in as a running server: sockets, state on disk, publishing, and faults on order."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import zonefile
from .api import Api, Request, Token
from .faults import Fault
from .refusals import Refusal
from .zones import Zone, zone_named

BASE = "/client/v4"


class StandIn:
    """Cloudflare's API on a socket, with zones of its own. Use as a context manager.

    ``requests`` is the log of what was asked, oldest first. ``zones_dir`` gets a zone file at every
    change, then ``reload`` is run by the shell. ``state`` is a file that outlives the process.
    """

    def __init__(
        self,
        zones: Iterable[str] = ("example.test",),
        *,
        token: str = "lab-token-0123456789",
        nameservers: Iterable[str] = ("ns1.cloudflare.test", "ns2.cloudflare.test"),
        listen: tuple[str, int] = ("127.0.0.1", 0),
        zones_dir: Path | None = None,
        reload: str = "",
        state: Path | None = None,
    ) -> None:
        names = tuple(name.rstrip(".") for name in nameservers)
        self.token = token
        self.requests: list[Request] = []
        self.zones_dir, self.reload, self.state = zones_dir, reload, state
        self.zones = {zone.name: zone for zone in (zone_named(name, names) for name in zones)}
        self._restore()
        self.api = Api(self.zones, {token: Token()})
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._held = False
        kind = _server_class(listen[0])
        self._server = kind(listen, _Handler)
        self._server.standin = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "StandIn":
        for zone in self.zones.values():
            self._publish(zone)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        """What ``CLOUDFLARE_BASE_URL`` is to be set to."""
        host, port = self._server.server_address[:2]
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}{BASE}"

    def add_token(
        self, token: str, *, zones: Iterable[str] | None = None, edit: bool = True, listing: bool = False
    ) -> None:
        """Issue a further token, for these zones (all, if None), that may edit them, and list all or not."""
        self.api.tokens[token] = Token(None if zones is None else frozenset(zones), edit, listing)

    def seed(self, zone: str, *records: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Put records into the zone, by the API's rules but not through it."""
        with self._lock:
            made = [self.zones[zone].create(record) for record in records]
            self._publish(self.zones[zone])
            return made

    def records(self, zone: str) -> list[dict[str, Any]]:
        """The zone's records as the API shows them, in the order they were made."""
        with self._lock:
            return [dict(record) for record in self.zones[zone].records.values()]

    def fail_next(self, fault: Fault) -> None:
        """Let the next request that the fault is meant for go wrong; several are kept in order."""
        self._faults.append(fault)

    def hold_publishing(self) -> None:
        """Accept changes without publishing them, until ``publish`` is called."""
        self._held = True

    def publish(self) -> None:
        """Publish everything that was held back."""
        with self._lock:
            self._held = False
            for zone in self.zones.values():
                self._publish(zone)

    def fault_for(self, request: Request) -> Fault | None:
        """Take the first ordered fault that fits the request."""
        with self._lock:
            for fault in self._faults:
                if request.path.endswith(fault.on):
                    self._faults.remove(fault)
                    return fault
        return None

    def answer(self, request: Request) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, JSON and extra headers of the answer; a change is published before this returns."""
        with self._lock:
            try:
                body, changed = self.api.answer(request)
            except Refusal as refusal:
                return refusal.status, refusal.body(), refusal.headers
            if changed:
                self._publish(changed)
            return 200, body, {}

    def _publish(self, zone: Zone) -> None:
        if self.zones_dir and not self._held:
            zonefile.write(zone, self.zones_dir)
            if self.reload:
                subprocess.run(self.reload, shell=True, check=False, stdin=subprocess.DEVNULL, timeout=30)
        if self.state:
            new = self.state.with_suffix(".new")
            new.write_text(json.dumps([asdict(zone) for zone in self.zones.values()]))
            new.replace(self.state)

    def _restore(self) -> None:
        if self.state and self.state.exists():
            for kept in json.loads(self.state.read_text()):
                if kept["name"] in self.zones:
                    nameservers = self.zones[kept["name"]].nameservers
                    self.zones[kept["name"]] = Zone(**{**kept, "nameservers": nameservers})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    standin: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_class(address: str) -> type[_Server]:
    return _Server6 if ":" in address else _Server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # One segment an answer: else the second waits for the first one's delayed acknowledgement.
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
                return self._send(status, {**body, "result": {}}, headers)
            case "html":
                return self._send_html(fault)
            case "refuse":
                refusal = Refusal(fault.status, fault.code, fault.message, headers=fault.headers)
                return self._send(refusal.status, refusal.body(), refusal.headers)
            case "stall":
                self.rfile.read(1)  # until it hangs up
                return self._cut()
        self._send(*standin.answer(request))
        return None

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def _send(self, status: int, body: object, headers: Mapping[str, str], *, cut: bool = False) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded[: len(encoded) // 2] if cut else encoded)
        self.wfile.flush()

    def _send_html(self, fault: Fault) -> None:
        page = b"<!DOCTYPE html><html><head><title>Attention Required!</title></head><body></body></html>"
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
