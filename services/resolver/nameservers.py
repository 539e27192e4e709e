"""Asking the nameservers of a host.

Each question goes out from a fresh socket that is connected to the nameserver, so that the kernel chooses its
port at random and drops what comes from elsewhere. Its id is random, and only a reply with this id and this
question counts (RFC 5452). A reply that is cut short is asked for again over TCP (RFC 7766).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset

TRIES, SECONDS = 3, 2.0
_PAYLOAD = 1232  # octets over UDP, as agreed on DNS flag day 2020: it fits into every packet
_NO_EDNS = (dns.rcode.FORMERR, dns.rcode.NOTIMP)  # what a nameserver says that does not know EDNS (RFC 6891)


class NoRecords(Exception):
    """There are no records, or nobody tells. `error` and `parameters` are those of io.systemd.Resolve."""

    def __init__(self, error: str, **parameters: object) -> None:
        super().__init__(error)
        self.error, self.parameters = error, parameters


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its owner, and all of it on the wire without compression."""

    owner: str
    wire: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A nameserver."""

    address: str
    port: int = 53

    @classmethod
    def parse(cls, text: str) -> Server:
        """`ADDRESS` or `ADDRESS#PORT`. Raises ValueError."""
        address, _, port = text.partition("#")
        dns.inet.af_for_address(address)
        return cls(address, int(port or 53))


class Nameservers:
    """Those of a file like /etc/resolv.conf, which is read again when it has changed; or these `servers`."""

    def __init__(self, configuration: Path, servers: Sequence[Server] = ()) -> None:
        self._configuration, self._given = configuration, tuple(servers)
        self._read: tuple[object, tuple[Server, ...]] = (None, ())

    def servers(self) -> tuple[Server, ...]:
        """The nameservers of now. Without any it is the one of this host (resolv.conf(5))."""
        if self._given:
            return self._given
        try:
            status = self._configuration.stat()
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if version != self._read[0]:
                resolver = dns.resolver.Resolver(configure=False)
                resolver.read_resolv_conf(str(self._configuration))
                self._read = version, tuple(Server(str(each)) for each in resolver.nameservers)
        except (OSError, dns.exception.DNSException):
            self._read = (None, ())
        return self._read[1] or (Server("127.0.0.1"),)

    async def ask(self, name: str, kind: int) -> list[Record]:
        """The records of a name. Raises NoRecords, and ValueError for what is no name.

        Aliases (CNAME) are followed as far as the reply has them. A reply that has neither records nor the
        word of a resolver or an authority that there are none is taken for no reply.
        """
        type_ = dns.rdatatype.RdataType.make(kind)
        if dns.rdatatype.is_metatype(type_):
            raise NoRecords("ResourceRecordTypeInvalidForQuery")
        try:
            question = dns.message.make_query(dns.name.from_text(name), type_, use_edns=0, payload=_PAYLOAD)
        except dns.exception.DNSException as error:
            raise ValueError(str(error)) from None
        servers = self.servers()
        failed = NoRecords("QueryTimedOut")
        for number in range(TRIES):
            server = servers[number % len(servers)]
            try:
                reply = await _exchange(question, server)
            except (dns.exception.DNSException, OSError, EOFError):
                continue
            if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                failed = NoRecords("DNSError", rcode=int(reply.rcode()))
                if reply.rcode() in _NO_EDNS:
                    question.use_edns(False)
            elif not reply.answer and not reply.flags & (dns.flags.RA | dns.flags.AA):
                failed = NoRecords("InvalidReply")  # a referral
            else:
                return _records(reply)
        raise failed


async def _exchange(question: dns.message.Message, server: Server) -> dns.message.Message:
    """Ask one nameserver once. Raises DNSException, OSError, EOFError."""
    question.id = dns.message.make_query(".", "NS").id  # a random one for each try
    family = dns.inet.af_for_address(server.address)
    where = dns.inet.low_level_address_tuple((server.address, server.port), family)
    backend: Any = dns.asyncbackend.get_default_backend()
    opened = await backend.make_socket(family, socket.SOCK_DGRAM, 0, None, where)
    async with opened:
        reply, _ = await dns.asyncquery.udp_with_fallback(
            question,
            server.address,
            SECONDS,
            server.port,
            udp_sock=opened,
            ignore_unexpected=True,
            ignore_errors=True,
        )
    return reply


def _records(reply: dns.message.Message) -> list[Record]:
    """The records of the asked type, at the end of the aliases. Raises NoRecords."""
    if reply.rcode() == dns.rcode.NXDOMAIN:
        raise NoRecords("DNSError", rcode=int(dns.rcode.NXDOMAIN))
    if not isinstance(reply, dns.message.QueryMessage):
        raise NoRecords("InvalidReply")
    try:
        chain = reply.resolve_chaining()
    except dns.message.ChainTooLong:
        raise NoRecords("CNAMELoop") from None
    except dns.exception.DNSException:
        raise NoRecords("InvalidReply") from None
    if not chain.answer:
        raise NoRecords("NoSuchResourceRecord")
    owner = chain.answer.name
    found = []
    for each in chain.answer:
        data = each.to_wire()
        assert data is not None, "to_wire returns octets if it is given no file"
        # The records are to be remembered no longer than the aliases that led to them.
        head = struct.pack("!HHIH", each.rdtype, each.rdclass, chain.minimum_ttl, len(data))
        found.append(Record(owner.to_text(omit_final_dot=True), (owner.to_wire() or b"") + head + data))
    return found
