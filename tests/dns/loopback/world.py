"""A small Internet on loopback: the root, a registry, a zone's nameservers, a resolver, a mail host.

The zone's content is what the stand-in publishes. Everything else is given as text, and a test may change it.
All nameservers listen on one port, each at an address of its own.
"""

from __future__ import annotations

import errno
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from dns.world.nameservers import Server
from dns.world.resolvers import resolver_at
from dns.world.vantage import VantagePoint
from tests.dns.loopback.nameserver import Nameserver

RESOLVER, ROOT, REGISTRY, NS1, NS2, NS2_6 = (
    "127.83.0.1",
    "127.83.0.2",
    "127.83.0.3",
    "127.83.0.4",
    "127.83.0.5",
    "::1",
)
MAIL4, MAIL6 = "127.83.0.25", "::1"
EDGE4, EDGE6 = "127.83.0.44", "::1"  # where the policies of the stand-in's Workers are served
# A mail host of somebody else. Loopback has only one IPv6 address, and our mail host has it. So this one is
# reached over an IPv6 socket by its IPv4 address, mapped into IPv6 (RFC 4291, 2.5.5.2).
REFERENCE, OTHER4 = "mail.reference.test", "127.83.0.26"
OTHER6 = f"::ffff:{OTHER4}"
SOA = "@ 60 SOA a.nic.test. hostmaster.nic.test. 1 60 60 3600 30\n"
ROOT_ZONE = f"{SOA}@ 60 NS a.nic.test.\ntest. 60 NS a.registry.test.\na.registry.test. 60 A {REGISTRY}\n"
REGISTRY_ZONE = f"""{SOA}@ 60 NS a.registry.test.
example.test. 60 NS ns1.cloudflare.test.
example.test. 60 NS ns2.cloudflare.test.
other.test. 60 NS ns1.cloudflare.test.
other.test. 60 NS ns2.cloudflare.test.
"""
ADDRESSES = f"""{SOA}ns1.cloudflare.test. 60 A {NS1}
ns2.cloudflare.test. 60 A {NS2}
ns2.cloudflare.test. 60 AAAA {NS2_6}
a.registry.test. 60 A {REGISTRY}
a.nic.test. 60 A {ROOT}
{REFERENCE}. 60 A {OTHER4}
{REFERENCE}. 60 AAAA {OTHER6}
"""
RESOLVED = {
    ".": ROOT_ZONE,
    **dict.fromkeys(("test", "cloudflare.test", "registry.test", "nic.test", "reference.test"), ADDRESSES),
}


@dataclass
class World:
    """The servers, and how to ask them."""

    resolver: Nameserver
    root: Nameserver
    registry: Nameserver
    ns: list[Nameserver]
    mail: list[MailHost] = field(default_factory=list)
    """Our mail host over IPv4, the same over IPv6, and one of somebody else."""

    def reset(self, zones: Path) -> None:
        """Make everything as it was at the start, with the zones that are published in this folder."""
        for server in (self.root, self.registry, *self.ns, self.resolver):
            server.reset()
        self.root.zones, self.registry.zones = {".": ROOT_ZONE}, {"test": REGISTRY_ZONE}
        for server in (*self.ns, self.resolver):
            server.folder = zones
        for server in self.ns:
            server.zones = {}
        self.resolver.zones, self.resolver.hosts = dict(RESOLVED), {}
        for host in self.mail:
            host.reset()

    @property
    def vantage(self) -> VantagePoint:
        """The view from this small Internet, for `check.examine`."""
        at = resolver_at(self.resolver.resolver)
        return VantagePoint(
            at,
            (Server("resolver", self.resolver.address),),
            port=self.root.port,
            smtp_port=self.mail[0].port,
            references=(REFERENCE,),
        )


@contextmanager
def running(certificate: Path) -> Iterator[World]:
    """Run the servers. `reset` gives them a folder of zones."""
    with ExitStack() as stack:
        root, registry, *ns = _on_one_port(stack, _nameservers)
        resolver = stack.enter_context(Nameserver(None, {}, RESOLVER, recursive=True))
        mail = _on_one_port(stack, lambda stack: _mail_hosts(stack, certificate))
        yield World(resolver, root, registry, ns, mail)


def _nameservers(stack: ExitStack) -> list[Nameserver]:
    """The nameservers of the root, of the registry, and of the zone."""
    root = stack.enter_context(Nameserver(None, {}, ROOT, zones={".": ROOT_ZONE}))
    zones = {"test": REGISTRY_ZONE}
    registry = stack.enter_context(Nameserver(None, {}, REGISTRY, root.port, zones=zones))
    ns = [stack.enter_context(Nameserver(None, {}, address, root.port)) for address in (NS1, NS2, NS2_6)]
    return [root, registry, *ns]


def _mail_hosts(stack: ExitStack, certificate: Path) -> list[MailHost]:
    first = stack.enter_context(MailHost(MAIL4, 0, certificate))
    other = MailHost(OTHER4, first.port, certificate, name=REFERENCE)
    return [first, stack.enter_context(MailHost(MAIL6, first.port, certificate)), stack.enter_context(other)]


T = TypeVar("T")


def _on_one_port(stack: ExitStack, make: Callable[[ExitStack], T]) -> T:
    """Make servers at several addresses on one port. If it is taken at one of them, make them again."""
    while True:
        with ExitStack() as attempt:
            try:
                made = make(attempt)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise
            stack.push(attempt.pop_all())
            return made


class MailHost:
    """Greets, answers EHLO, and speaks TLS after STARTTLS. Use as a context manager."""

    def __init__(self, address: str, port: int, certificate: Path, *, name: str = "mx1.example.test") -> None:
        self.name = name
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.address, self.port = address, port
        self._server: _Server | None = None
        self._closed: socket.socket | None = None
        self.reset()

    def reset(self) -> None:
        """Listen, and answer everything right."""
        self.greeting, self.offers, self.works = f"220 {self.name} ESMTP", True, True
        if self._closed:
            self._closed.close()
            self._closed = None
        if self._server is None:
            kind = _Server6 if ":" in self.address else _Server
            self._server = kind((self.address, self.port), _Session)
            self._server.mail_host = self
            self.port = int(self._server.server_address[1])
            threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> MailHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._closed:
            self._closed.close()

    def close(self) -> None:
        """Stop listening, but keep the port, so that nobody else gets it."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._closed = socket.socket(self._server.address_family)
            self._closed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._closed.bind((self.address, self.port))
            self._server = None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    mail_host: MailHost

    def handle_error(self, request: object, client_address: object) -> None:
        """Report nothing if a client went away."""


class _Server6(_Server):
    address_family = socketserver.socket.AF_INET6


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        host = self.server.mail_host
        if not host.greeting:
            return
        self._say(host.greeting)
        while command := self.rfile.readline().strip().upper():
            if command.startswith(b"EHLO"):
                self._say(f"250-{host.name}\r\n250 STARTTLS" if host.offers else f"250 {host.name}")
            elif command == b"STARTTLS":
                self._say("220 go ahead" if host.works else "454 not now")
                if host.works:
                    host.context.wrap_socket(self.connection, server_side=True).close()
                    return
            else:
                self._say("221 bye")
                return

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()
