"""Mail hosts on loopback that offer good and bad TLS: openssl(1), or a hello that it cannot make any more."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dns.check.internet_nl.examination import probe
from dns.check.internet_nl.hello import Version
from dns.check.internet_nl.judge_tls import Probed, points
from dns.check.internet_nl.points import Point
from dns.world.greeting import greet
from dns.world.nameservers import Server
from dns.world.resolvers import resolver_at
from dns.world.vantage import VantagePoint
from tests.dns.check.judging.values import place, seen
from tests.ports import free_port

ADDRESS, NAME = "127.83.0.40", "mx.e.org"
SECONDS = 20.0


class _Front(socketserver.ThreadingTCPServer):
    """Speaks SMTP up to STARTTLS, and hands the connection over."""

    daemon_threads = True
    allow_reuse_address = True
    after: Callable[[socket.socket], None]

    def handle_error(self, request: object, client_address: object) -> None:
        """Report nothing if a client went away."""


class _Session(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Front)
        self.request.sendall(f"220 {NAME} ESMTP\r\n".encode())
        line = b""
        while octet := self.request.recv(1):
            line += octet
            if line.endswith(b"\n"):
                if line.upper().startswith(b"STARTTLS"):
                    self.request.sendall(b"220 go ahead\r\n")
                    self.server.after(self.request)
                    return
                self.request.sendall(f"250-{NAME}\r\n250 STARTTLS\r\n".encode())
                line = b""


@contextmanager
def _front(after: Callable[[socket.socket], None]) -> Iterator[int]:
    with _Front((ADDRESS, 0), _Session) as server:
        server.after = after
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


@contextmanager
def openssl_server(certificate: Path, *options: str) -> Iterator[int]:
    """Run `openssl s_server` with these options behind STARTTLS. Yields the port. It answers each line."""
    inner = free_port()
    command = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{inner}", "-cert", str(certificate)]
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        threading.Thread(target=_answer_lines, args=(process,), daemon=True).start()
        try:
            with _front(lambda client: _pump(client, inner, process)) as port:
                yield port
        finally:
            process.kill()


def _answer_lines(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None and process.stdout is not None
    for _ in process.stdout:
        with contextlib.suppress(OSError):
            process.stdin.write(b"250 2.0.0 OK\r\n")
            process.stdin.flush()


def _pump(client: socket.socket, port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            behind = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
            break
        except ConnectionRefusedError:
            assert process.poll() is None, "openssl s_server has ended"
    with behind:
        back = threading.Thread(target=_copy, args=(behind, client), daemon=True)
        back.start()
        _copy(client, behind)
        back.join(SECONDS)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def scripted(*versions: Version, compression: int = 0, extensions: Sequence[int] = ()) -> Iterator[int]:
    """A server that takes one suite with RSA, with these versions, and answers with these extensions."""

    def answer(client: socket.socket) -> None:
        hello = client.recv(65536)
        if hello[0] & 0x80:  # SSL 2.0
            if Version.SSL_2_0 in versions:
                client.sendall(b"\x80\x0b\x04\x00\x01\x00\x02" + b"\x00" * 6)
            return
        version, suite = int.from_bytes(hello[9:11], "big"), 0x002F
        start = 44 + hello[43] + 2
        length = int.from_bytes(hello[start - 2 : start], "big")
        offered = [hello[at : at + 2] for at in range(start, start + length, 2)]
        if version not in versions or suite.to_bytes(2, "big") not in offered:
            client.sendall(b"\x15\x03\x01\x00\x02\x02\x28")  # handshake_failure
            return
        said = b"".join(kind.to_bytes(2, "big") + b"\x00\x00" for kind in extensions)
        body = version.to_bytes(2, "big") + b"r" * 32 + b"\x00" + suite.to_bytes(2, "big")
        body += bytes([compression]) + len(said).to_bytes(2, "big") + said
        messages = b"\x02" + len(body).to_bytes(3, "big") + body + b"\x0e\x00\x00\x00"
        client.sendall(b"\x16\x03\x01" + len(messages).to_bytes(2, "big") + messages)

    with _front(answer) as port:
        yield port


def vantage_at(port: int) -> VantagePoint:
    """The view that finds port 25 at this port."""
    return VantagePoint(
        resolver_at(f"{ADDRESS}#53"), (Server("resolver", ADDRESS),), smtp_port=port, smtp_seconds=SECONDS
    )


def probed_at(port: int, name: str = NAME, address: str = ADDRESS) -> Probed:
    """What is found out of the TLS at this port."""
    found = place(address, greet(address, port=port, seconds=SECONDS))
    return probe(found if name == NAME else place(address, found.greeting, hostname=name), vantage_at(port))


def judged(*probed: Probed) -> dict[str, Point]:
    """The points about TLS, by the part of their code that tells them apart."""
    what = seen(addresses=tuple(one.place for one in probed), outbound_25=frozenset({4, 6}))
    return {each.code.removeprefix("starttls_"): each for each in points(what, list(probed))}
