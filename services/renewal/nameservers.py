"""Asking the DNS: where a challenge's name leads, and whether every nameserver of the zone answers it.

An authority asks from several places. One nameserver that does not have the record yet fails the validation,
and failed validations are counted. So the challenge is answered only after all nameservers have it.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.resolver

from services.renewal.errors import RenewalError, Report

LONGEST_CHAIN = 8  # of aliases
LOOKUP_SECONDS = 5.0
ANSWER_SECONDS = 2.0
BETWEEN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Server:
    """One address of one nameserver."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


@dataclass(frozen=True, slots=True)
class View:
    """How the DNS is asked: the resolver as `ADDRESS` or `ADDRESS#PORT` (empty: this host's), the port of
    nameservers, for how many seconds they are asked, and how many seconds are left to those of far places."""

    resolver: str = ""
    port: int = 53
    seconds: float = 120.0
    settle: float = 5.0

    def leads_to(self, name: str) -> str:
        """The name at the end of the aliases (CNAME) that begin at this one. Raises RenewalError."""
        resolver = self._resolver()
        for _ in range(LONGEST_CHAIN):
            try:
                answer = resolver.resolve(name + ".", "CNAME", raise_on_no_answer=False)
            except dns.resolver.NXDOMAIN:
                return name
            except dns.exception.DNSException as error:
                raise RenewalError(_unanswered(f"where {name} leads", error)) from None
            if not answer.rrset:
                return name
            name = str(answer.rrset[0].target).rstrip(".").lower()
        raise RenewalError(f"{name}: more than {LONGEST_CHAIN} aliases (CNAME), or a circle: correct them")

    def servers(self, zone: str) -> list[Server]:
        """Every address of every nameserver of the zone that this host has a route to.

        Raises RenewalError if they cannot be looked up, or if a nameserver has no such address.
        """
        resolver = self._resolver()
        found: list[Server] = []
        try:
            names = [str(each.target).rstrip(".") for each in resolver.resolve(zone + ".", "NS")]
            for name in sorted(names):
                addresses = list(resolver.resolve_name(name + ".").addresses())
                servers = [Server(name, address) for address in addresses if _has_route(address)]
                if not servers:
                    raise RenewalError(f"this host has no route to the nameserver {name}: check its network")
                found += servers
        except dns.exception.DNSException as error:
            raise RenewalError(_unanswered(f"the nameservers of {zone}", error)) from None
        return found

    def wait_for(self, zone: str, name: str, values: Sequence[str], report: Report) -> None:
        """Ask until every nameserver of the zone answers all these TXT values at the name.

        Raises RenewalError if one does not in time.
        """
        servers = self.servers(zone)
        waiting = dict.fromkeys(servers, "was not asked")
        ends = time.monotonic() + self.seconds
        told = False
        while True:
            for server in tuple(waiting):
                waiting[server] = self._lacks(server, name, values)
                if not waiting[server]:
                    del waiting[server]
            if not waiting:
                break
            if not told:
                told = True
                server, lack = next(iter(waiting.items()))
                report(f"waiting: {server} {lack}")
            if time.monotonic() >= ends:
                server, lack = next(iter(waiting.items()))
                raise RenewalError(
                    f"the nameserver {server} {lack} after {self.seconds:.0f} s ({len(waiting)} of "
                    f"{len(servers)} addresses): the CA was not asked to look, because a failure counts; the "
                    "next run tries again; if that goes on, let this host ask port 53 of the nameservers"
                )
            time.sleep(min(BETWEEN_SECONDS, max(0.0, ends - time.monotonic())))
        report(f"all {len(servers)} addresses of the nameservers of {zone} answer {name}")
        time.sleep(self.settle)

    def _lacks(self, server: Server, name: str, values: Sequence[str]) -> str:
        """What is wrong with the server's answer, in words. Empty if it is right."""
        question = dns.message.make_query(name + ".", "TXT")
        question.flags &= ~dns.flags.RD
        try:
            answer, _ = dns.query.udp_with_fallback(
                question, server.address, timeout=ANSWER_SECONDS, port=self.port
            )
        except (dns.exception.DNSException, OSError) as error:
            return f"did not answer ({str(error) or type(error).__name__})"
        if not answer.flags & dns.flags.AA:
            return "does not answer for the zone"
        texts = {
            b"".join(rdata.strings).decode("ascii", "replace")
            for rrset in answer.answer
            if rrset.rdtype == dns.rdatatype.TXT
            for rdata in rrset
        }
        return "" if texts.issuperset(values) else f"does not have the record {name}"

    def _resolver(self) -> dns.resolver.Resolver:
        try:
            resolver = dns.resolver.Resolver(configure=not self.resolver)
        except dns.exception.DNSException as error:
            raise RenewalError(f"this host has no resolver ({error}): correct /etc/resolv.conf") from None
        if self.resolver:
            address, _, port = self.resolver.partition("#")
            resolver.nameservers, resolver.port = [address], int(port or 53)
        resolver.lifetime = LOOKUP_SECONDS
        return resolver


def _unanswered(what: str, error: Exception) -> str:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return f"it cannot be looked up {what} ({said}): the next run tries again; check the host's resolver"


def _has_route(address: str) -> bool:
    """Whether this host has a route to the address. Nothing is sent."""
    version = ipaddress.ip_address(address).version
    try:
        with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True
