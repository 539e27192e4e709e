"""A small nameserver on loopback, made with dnspython, over zone files and zones given as text.

It reads the files at every question, so that what the stand-in publishes is answered at once. It answers as
the nameserver of the zones, with referrals to what they delegate. A test can give it the addresses of some
names. As a resolver (`recursive`) it answers from the deepest zone that it has. It can fail as real
nameservers do, for all questions, or for one name or type only.
"""

from __future__ import annotations

import errno
import socket
import socketserver
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from dns.message import Message, from_wire, make_response
from dns.name import from_text as name_from_text
from dns.name import root
from dns.rrset import from_text as rrset_from_text
from dns.zone import Zone
from dns.zone import from_text as zone_from_text

from dns import flags, rcode, rdatatype
from tests.dns.loopback import authority

Fault = Literal[
    "SERVFAIL",
    "REFUSED",
    "NOTAUTH",
    "FORMERR",
    "NOTIMP",
    "drop",
    "lame",
    "upwards",
    "wrong id",
    "cut short",
    "bogus",
]
"""How it fails: with a response code, without an answer (drop), without AA (lame), with a referral to the
root (upwards), with another question's id (wrong id), cut short and without TCP (cut short), or as a resolver
that refuses the signatures unless it is asked not to check them (bogus; CD, RFC 4035)."""
ROOT_SERVERS = ("a.nic.test.", "b.nic.test.")


class Nameserver:
    """Answers at 127.0.0.1 over UDP and TCP, on one port. Use as a context manager.

    `faults` says how it fails, by name and type. `*` means any.
    """

    def __init__(
        self,
        folder: Path | None,
        hosts: Mapping[str, str],
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        zones: Mapping[str, str] = {},
        recursive: bool = False,
    ) -> None:
        self.folder, self.hosts, self.authoritative = folder, hosts, not recursive
        self.zones, self.recursive = dict(zones), recursive
        self.offers_recursion = recursive
        self.faults: dict[tuple[str, str], Fault] = {}
        self.knows_edns = True
        self.asked: list[tuple[str, str]] = []
        self._servers = _on_one_port(address, port)
        self.address, self.port = address, int(self._servers[0].server_address[1])
        for server in self._servers:
            server.nameserver = self
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            for server in self._servers
        ]

    def __enter__(self) -> Nameserver:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def resolver(self) -> str:
        """The value for LETTERBOX_RESOLVER."""
        return f"{self.address}#{self.port}"

    def reset(self) -> None:
        """Do not fail, and forget what was asked."""
        self.authoritative, self.offers_recursion = not self.recursive, self.recursive
        self.faults, self.knows_edns, self.asked = {}, True, []

    def answer(self, wire: bytes, *, over_udp: bool) -> bytes | None:
        """The answer to one question. None if no answer is sent."""
        asked = from_wire(wire)
        answer = make_response(asked, recursion_available=self.offers_recursion)
        question = asked.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), rdatatype.to_text(question.rdtype)
        fault = self._fault(name, kind)
        if not self.knows_edns and asked.edns >= 0:
            answer.use_edns(False)
            answer.set_rcode(rcode.FORMERR)
            return answer.to_wire()
        if fault == "drop" or (fault == "cut short" and not over_udp):
            return None
        if fault == "cut short":
            answer.flags |= flags.TC
        elif fault == "upwards":
            answer.authority.append(rrset_from_text(root, 60, "IN", "NS", *ROOT_SERVERS))
        elif fault in ("lame", "wrong id", None) or (fault == "bogus" and asked.flags & flags.CD):
            self._fill(answer, name, kind)
        else:
            answer.set_rcode(rcode.from_text("SERVFAIL" if fault == "bogus" else fault))
        if not self.authoritative or fault == "lame":
            answer.flags &= ~flags.AA
        if fault == "wrong id":
            answer.id ^= 1
        return _cut(answer, max(512, asked.payload) if over_udp else 65535)

    def _fault(self, name: str, kind: str) -> Fault | None:
        for key in ((name, kind), (name, "*"), ("*", kind), ("*", "*")):
            if key in self.faults:
                return self.faults[key]
        return None

    def _fill(self, answer: Message, name: str, kind: str) -> None:
        known = self.hosts.get(name)
        if known is None:
            self.asked.append((name, kind))
            origin = answer.question[0].name
            authority.fill(answer, self._held(), origin, rdatatype.from_text(kind), recursive=self.recursive)
        elif (kind == "AAAA") == (":" in known):
            answer.answer.append(rrset_from_text(answer.question[0].name, 60, "IN", kind, known))

    def _held(self) -> list[Zone]:
        """The zones as they are now."""
        texts = dict(self.zones)
        if self.folder:
            texts |= {path.stem: path.read_text() for path in self.folder.glob("*.zone")}
        return [
            zone_from_text(text, name_from_text(origin), relativize=False, check_origin=False)
            for origin, text in texts.items()
        ]


def _cut(answer: Message, room: int) -> bytes:
    """The answer, cut short (TC) if it does not fit into `room` octets."""
    wire = answer.to_wire(max_size=65535)
    if len(wire) <= room:
        return wire
    for section in (answer.answer, answer.authority, answer.additional):
        section.clear()
    answer.flags |= flags.TC
    return answer.to_wire()


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    nameserver: Nameserver


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    nameserver: Nameserver


class _Udp6(_Udp):
    address_family = socket.AF_INET6


class _Tcp6(_Tcp):
    address_family = socket.AF_INET6


def _on_one_port(address: str, port: int) -> tuple[_Tcp, _Udp]:
    """Start both servers on one port, a free one if it is 0. Raises OSError."""
    tcp, udp = (_Tcp6, _Udp6) if ":" in address else (_Tcp, _Udp)
    while True:
        first = tcp((address, port), _TcpQuestion)
        try:
            return first, udp((address, int(first.server_address[1])), _UdpQuestion)
        except OSError as error:
            first.server_close()
            if (
                port or error.errno != errno.EADDRINUSE
            ):  # otherwise the port was free for TCP and taken for UDP
                raise


class _UdpQuestion(socketserver.BaseRequestHandler):
    server: _Udp
    request: tuple[bytes, socket.socket]

    def handle(self) -> None:
        wire, sock = self.request
        answered = self.server.nameserver.answer(wire, over_udp=True)
        if answered is not None:
            sock.sendto(answered, self.client_address)


class _TcpQuestion(socketserver.StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        head: Any = self.rfile.read(2)
        wire = self.rfile.read(struct.unpack("!H", head)[0])
        answered = self.server.nameserver.answer(wire, over_udp=False)
        if answered is not None:
            self.wfile.write(struct.pack("!H", len(answered)) + answered)
