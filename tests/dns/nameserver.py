"""A small authoritative nameserver on loopback, made with dnspython, over a folder of zone files.

It reads the files anew at every question, so that what the stand-in publishes is answered at once.
It is the zone's nameserver and, for the names it is told, the resolver that knows its address.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dns.message import Message, from_wire, make_response
from dns.name import Name
from dns.name import from_text as name_from_text
from dns.rrset import from_text as rrset_from_text
from dns.zone import from_file

from dns import flags, rcode, rdataclass, rdatatype


class Nameserver:
    """Answers at 127.0.0.1 over UDP and TCP, on one port. Use as a context manager."""

    def __init__(
        self, folder: Path, hosts: Mapping[str, str], address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.folder, self.hosts, self.authoritative = folder, hosts, True
        self._tcp = _Tcp((address, port), _TcpQuestion)
        self.address, self.port = address, int(self._tcp.server_address[1])
        self._udp = _Udp((address, self.port), _UdpQuestion)
        self._servers = (self._tcp, self._udp)
        for server in self._servers:
            server.nameserver = self
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            for server in self._servers
        ]

    def __enter__(self) -> "Nameserver":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def resolver(self) -> str:
        """What LETTERBOX_RESOLVER is to be set to."""
        return f"{self.address}#{self.port}"

    def answer(self, wire: bytes, *, room: int) -> bytes:
        """The answer to one question, cut short (TC) where it does not fit into ``room`` octets."""
        asked = from_wire(wire)
        answer = make_response(asked)
        question = asked.question[0]
        known = self.hosts.get(question.name.to_text(omit_final_dot=True))
        if known:
            if (question.rdtype == rdatatype.AAAA) == (":" in known):
                answer.answer.append(
                    rrset_from_text(question.name, 60, "IN", rdatatype.to_text(question.rdtype), known)
                )
        else:
            self._from_zone(answer, question.name, question.rdtype)
        return answer.to_wire(max_size=65535) if room > 65534 else _cut(answer, room)

    def _from_zone(self, answer: Message, name: Name, kind: rdatatype.RdataType) -> None:
        for path in self.folder.glob("*.zone"):
            origin = name_from_text(path.stem)
            if name.is_subdomain(origin):
                zone = from_file(str(path), origin, relativize=False)
                if self.authoritative:
                    answer.flags |= flags.AA
                if zone.get_node(name) is None:
                    answer.set_rcode(rcode.NXDOMAIN)
                rdataset = zone.get_rdataset(name, kind)
                if rdataset:
                    rrset = answer.find_rrset(answer.answer, name, rdataclass.IN, kind, create=True)
                    rrset.update(rdataset)
                return
        answer.set_rcode(rcode.REFUSED)


def _cut(answer: Message, room: int) -> bytes:
    wire = answer.to_wire(max_size=65535)
    if len(wire) <= room:
        return wire
    answer.answer.clear()
    answer.flags |= flags.TC
    return answer.to_wire()


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    nameserver: Nameserver


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    nameserver: Nameserver


class _UdpQuestion(socketserver.BaseRequestHandler):
    server: _Udp
    request: tuple[bytes, socket.socket]

    def handle(self) -> None:
        wire, sock = self.request
        sock.sendto(self.server.nameserver.answer(wire, room=512), self.client_address)


class _TcpQuestion(socketserver.StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        head: Any = self.rfile.read(2)
        wire = self.rfile.read(struct.unpack("!H", head)[0])
        answered = self.server.nameserver.answer(wire, room=65535)
        self.wfile.write(struct.pack("!H", len(answered)) + answered)
