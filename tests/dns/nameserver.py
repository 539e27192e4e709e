"""A small nameserver on loopback, made with dnspython, over zone files and zones given as text.

It reads the files anew at every question, so that what the stand-in publishes is answered at once.
It is the zones' nameserver, with referrals to what they delegate; for the names it is told, it knows
the address; and as a resolver (``recursive``) it answers from the deepest zone that it has.
"""

import errno
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
from dns.rdataset import Rdataset
from dns.rrset import RRset
from dns.rrset import from_text as rrset_from_text
from dns.zone import Zone
from dns.zone import from_text as zone_from_text

from dns import flags, rcode, rdataclass, rdatatype


class Nameserver:
    """Answers at 127.0.0.1 over UDP and TCP, on one port. Use as a context manager."""

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
        self.asked: list[tuple[str, str]] = []
        self._servers = _on_one_port(address, port)
        self.address, self.port = address, int(self._servers[0].server_address[1])
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
        answer = make_response(asked, recursion_available=self.offers_recursion)
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
        self.asked.append((name.to_text(omit_final_dot=True), rdatatype.to_text(kind)))
        zone = self._zone_of(name, kind)
        if zone is None or zone.origin is None:
            answer.set_rcode(rcode.REFUSED)
            return
        if not self.recursive and self._refer(answer, zone, name, kind):
            return
        if self.authoritative:
            answer.flags |= flags.AA
        for wanted in (kind, rdatatype.CNAME):
            rdataset = zone.get_rdataset(name, wanted)
            if rdataset:
                answer.answer.append(_rrset(name, rdataset))
                break
        else:
            soa = zone.get_rdataset(zone.origin, rdatatype.SOA)
            answer.authority += [_rrset(zone.origin, soa)] if soa else []
            if not any(node.is_subdomain(name) for node in zone):
                answer.set_rcode(rcode.NXDOMAIN)

    def _zone_of(self, name: Name, kind: rdatatype.RdataType) -> Zone | None:
        """The deepest zone that holds the name; for DS, that is the parent's."""
        texts = dict(self.zones)
        if self.folder:
            texts |= {path.stem: path.read_text() for path in self.folder.glob("*.zone")}
        origins = [name_from_text(text) for text in texts]
        fitting = [o for o in origins if name.is_subdomain(o) and not (kind == rdatatype.DS and name == o)]
        if not fitting:
            return None
        origin = max(fitting, key=len)
        key = next(text for text in texts if name_from_text(text) == origin)
        return zone_from_text(texts[key], origin, relativize=False, check_origin=False)

    def _refer(self, answer: Message, zone: Zone, name: Name, kind: rdatatype.RdataType) -> bool:
        cut = name
        while zone.origin is not None and cut != zone.origin:
            rdataset = zone.get_rdataset(cut, rdatatype.NS)
            if rdataset and not (kind == rdatatype.DS and cut == name):
                answer.authority.append(_rrset(cut, rdataset))
                for rdata in rdataset:
                    for address in (rdatatype.A, rdatatype.AAAA):
                        glue = zone.get_rdataset(rdata.target, address)
                        answer.additional += [_rrset(rdata.target, glue)] if glue else []
                return True
            cut = cut.parent()
        return False


def _rrset(name: Name, rdataset: Rdataset) -> RRset:
    rrset = RRset(name, rdataclass.IN, rdataset.rdtype)
    rrset.update(rdataset)
    return rrset


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


class _Udp6(_Udp):
    address_family = socket.AF_INET6


class _Tcp6(_Tcp):
    address_family = socket.AF_INET6


def _on_one_port(address: str, port: int) -> tuple[_Tcp, _Udp]:
    """Both servers, on a free port if it is 0. Raises OSError."""
    tcp, udp = (_Tcp6, _Udp6) if ":" in address else (_Tcp, _Udp)
    while True:
        first = tcp((address, port), _TcpQuestion)
        try:
            return first, udp((address, int(first.server_address[1])), _UdpQuestion)
        except OSError as error:
            first.server_close()
            if port or error.errno != errno.EADDRINUSE:  # else free for TCP, and taken for UDP
                raise


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
