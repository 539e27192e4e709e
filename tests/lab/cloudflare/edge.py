"""Cloudflare's edge for the custom domains of Workers: HTTPS that answers as the Worker's script says.

The script is not run. Its constants POLICY and PATH are read, and answered as our template would. A thorough
test compares this with Cloudflare's own runtime. A name that no Worker has gets the TLS alert that the real
edge sends. Faults are ordered in a file or by an attribute, one for all names.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from tests.lab.cloudflare.authority import Authority, Kind

FaultKind = Literal[
    "", "down", "404", "redirect", "wrong certificate", "untrusted", "slow", "cut", "stale", "html"
]
ELSEWHERE = "/elsewhere.txt"
"""Where a redirect leads. The policy is there, so whoever follows gets it."""
_CERTIFICATES: Mapping[str, Kind] = {"wrong certificate": "wrong name", "untrusted": "untrusted"}
_CONSTANT = re.compile(r"^const (POLICY|PATH) = (\".*\");$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EdgeFault:
    """How the edge fails. `seconds` are those of `slow` and `stale`.

    `down`: the connection closes before TLS. `wrong certificate`: for another name. `untrusted`: signed by
    itself. `slow`: the answer takes so many seconds, one octet at a time. `cut`: it ends early. `stale`: what
    was uploaded in the last so many seconds is not served yet. `html`: 200 with a page of HTML.
    """

    kind: FaultKind = ""
    seconds: float = 0.0


class Edge:
    """The servers, one for each address. Use as a context manager.

    `served` is asked for the script of a host name as it was so many seconds ago. `log` has what was asked:
    host name, method, path and status, oldest first.
    """

    def __init__(
        self,
        served: Callable[[str, float], str | None],
        authority: Authority,
        addresses: Sequence[str] = ("127.0.0.1",),
        *,
        port: int = 0,
        faults: Path | None = None,
    ) -> None:
        self.served, self.authority, self._faults = served, authority, faults
        self._fault = EdgeFault()
        self.log: list[tuple[str, str, str, int]] = []
        self._contexts: dict[tuple[str, Kind], ssl.SSLContext] = {}
        self._servers = _on_one_port(addresses, port)
        for server in self._servers:
            server.edge = self

    def __enter__(self) -> Edge:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def port(self) -> int:
        return int(self._servers[0].server_address[1])

    @property
    def fault(self) -> EdgeFault:
        """The fault that is ordered now. The file wins, if there is one."""
        with suppress(OSError, ValueError):
            if self._faults:
                return EdgeFault(**json.loads(self._faults.read_text()))
        return self._fault

    @fault.setter
    def fault(self, fault: EdgeFault) -> None:
        self._fault = fault

    def script(self, name: str, fault: EdgeFault) -> str | None:
        """The script that answers for this host name now."""
        return self.served(name, fault.seconds if fault.kind == "stale" else 0.0)

    def context(self, name: str, kind: Kind) -> ssl.SSLContext:
        """The TLS of this host name."""
        if (name, kind) not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.authority.pair_for(name, kind))
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[name, kind] = context
        return self._contexts[name, kind]

    def encrypted(self, plain: socket.socket, fault: EdgeFault) -> ssl.SSLSocket:
        """The connection, once the client has said which name it wants. Raises OSError."""

        def choose(encrypted: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            if not name or self.script(name, fault) is None:
                return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
            encrypted.context = self.context(name, _CERTIFICATES.get(fault.kind, "right"))
            return None

        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        outer.sni_callback = choose
        return outer.wrap_socket(plain, server_side=True)

    def answer(
        self, name: str, method: str, path: str, fault: EdgeFault
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        script = self.script(name, fault)
        if script is None:
            return 403, {"content-type": "text/html; charset=UTF-8"}, b"error code: 1003"
        constants = {key: str(json.loads(value)) for key, value in _CONSTANT.findall(script)}
        if set(constants) != {"POLICY", "PATH"}:
            return (
                200,
                {"content-type": "text/plain;charset=UTF-8"},
                b"Hello World!",
            )  # somebody else's Worker
        found = method in ("GET", "HEAD") and path.partition("?")[0] == constants["PATH"]
        if fault.kind == "redirect":
            if found:
                return 301, {"location": f"https://{name}{ELSEWHERE}"}, b""
            found = path == ELSEWHERE
        if fault.kind == "html":
            return 200, {"content-type": "text/html; charset=UTF-8"}, b"<title>Just a moment...</title>"
        if not found or fault.kind == "404":
            return 404, {"content-type": "text/plain"}, b"Not found\n"
        headers = {"content-type": "text/plain", "cache-control": "no-store"}
        return 200, headers, constants["POLICY"].encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    edge: Edge

    def finish_request(self, request: Any, client_address: Any) -> None:
        fault = self.edge.fault
        if fault.kind == "down":
            return
        request.settimeout(30)
        with suppress(OSError), self.edge.encrypted(request, fault) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report nothing: the client went away."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _on_one_port(addresses: Sequence[str], port: int) -> list[_Server]:
    """A server at each address. If any port will do, it is one that is free at all of them."""
    while True:
        servers: list[_Server] = []
        number = port
        try:
            for address in addresses:
                servers.append((_Server6 if ":" in address else _Server)((address, number), _Handler))
                number = int(servers[0].server_address[1])
            return servers
        except OSError as error:
            for server in servers:
                server.server_close()
            if port or error.errno != errno.EADDRINUSE:
                raise


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        edge = self.server.edge
        name = (self.headers.get("host") or "").partition(":")[0].lower()
        fault = edge.fault
        status, headers, body = edge.answer(name, self.command, self.path, fault)
        edge.log.append((name, self.command, self.path, status))
        if self.command == "HEAD":
            body = b""
        head = {"date": self.date_time_string(), "content-length": str(len(body)), **headers}
        head |= {"server": "cloudflare", "cf-ray": f"{uuid.uuid4().hex[:16]}-LAB"}
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}"]
        lines += [f"{key}: {value}" for key, value in head.items()]
        whole = "\r\n".join([*lines, "", ""]).encode() + body
        if fault.kind == "slow":
            for octet in whole:
                time.sleep(fault.seconds / len(whole))
                self.wfile.write(bytes([octet]))
        elif fault.kind == "cut":
            self.wfile.write(whole[:-4])
            self.close_connection = True
            with suppress(OSError):
                self.connection.unwrap()  # it says that this is the end
        else:
            self.wfile.write(whole)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `Edge.log` has it."""
