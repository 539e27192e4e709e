"""What one check may ask of DNS (RFC 7208 section 4.6.4). A hostile record cannot make it ask more.

Ten terms may ask. The costliest is `mx`: one question for the hosts, and one for the addresses of each of
ten. The names of the peer's address are asked for once a check, and cost as much. So a check asks at most
1 + 10 * 11 questions, 12 more for an explanation, and ten that it asks early and then does not need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from receiver.checks import dns_query as dns
from receiver.checks.dns_query import IPAddress, Resolver, TemporaryFailure
from receiver.checks.spf import macros
from receiver.checks.spf.domains import is_name
from receiver.checks.spf.early import EarlyResolver
from receiver.checks.spf.macros import PermanentError, Text
from receiver.checks.spf.record import Network, Record

_MOST_TERMS = 10
_MOST_VOID = 2  # terms whose question has no record as its answer
_MOST_NAMES = 10  # of an MX or PTR answer
_MOST_EARLY = 10  # terms whose question is asked early
_KINDS = {"include": dns.TXT, "redirect": dns.TXT, "exists": dns.A, "mx": dns.MX}


class Lookups:
    """The questions of one check about an address. They raise PermanentError and TemporaryFailure."""

    def __init__(self, resolver: Resolver, ip: IPAddress) -> None:
        self._resolver = EarlyResolver(resolver)
        self._ip = ip
        self._number = int(ip)
        self._kind = dns.A if ip.version == 4 else dns.AAAA
        self._terms = 0
        self._void = 0
        self._early = 0
        self._names: Sequence[str] | None = None

    def count_term(self) -> None:
        """To be called for each term that asks. `all`, `ip4` and `ip6` do not."""
        self._terms += 1
        if self._terms > _MOST_TERMS:
            raise PermanentError(f"more than {_MOST_TERMS} terms that look up")

    def begin(self, record: Record, domain: str) -> None:
        """Ask at once what the terms of a policy will ask, up to the first that certainly matches."""
        if not self._resolver.has_waited:
            return
        for mechanism in record.mechanisms:
            if mechanism.name == "all" or (mechanism.network is not None and self.matches(mechanism.network)):
                return
            if mechanism.network is None:
                self._begin(mechanism.name, mechanism.domain or (domain,))
        if record.redirect is not None:
            self._begin("redirect", record.redirect)

    def cancel(self) -> None:
        """Take back what was asked early and is not needed. To be called at the end of the check."""
        self._resolver.cancel()

    async def texts(self, domain: str) -> Sequence[bytes]:
        """The TXT records of a domain. They count as no void lookup: without a record there is no policy."""
        return await dns.txt(self._resolver, domain) if is_name(domain) else ()

    async def exists(self, name: str) -> bool:
        """Whether a name has an IPv4 address, even if the peer's is an IPv6 one (section 5.7)."""
        return bool(await self._ask(name, dns.A))

    async def a_matches(self, name: str, length: int) -> bool:
        """Whether the peer is in the network of one of the name's addresses."""
        return self._holds(await self._ask(name, self._kind), length)

    async def mx_matches(self, name: str, length: int) -> bool:
        """Whether the peer is in the network of an address of one of the domain's MX hosts."""
        hosts = cast(Sequence[str], await self._ask(name, dns.MX))
        if len(hosts) > _MOST_NAMES:
            raise PermanentError(f"more than {_MOST_NAMES} MX records")
        self._begin_addresses(hosts)
        for host in hosts:
            if is_name(host):
                answer = await self._resolver.query(host, self._kind)
                if self._holds(answer.records, length):
                    return True
        return False

    def matches(self, network: Network) -> bool:
        """Whether the peer is in a network."""
        return network.version == self._ip.version and self._number >> network.rest == network.leading

    @property
    def knows_names(self) -> bool:
        """Whether `names` needs to ask nothing more."""
        return self._names is not None

    async def names(self) -> Sequence[str]:
        """The names of the peer's address that lead back to it, of the first ten (section 5.5).

        What DNS does not answer is left out, as the RFC demands. A sender has no say in these records.
        """
        if self._names is None:
            try:
                found = (await self._resolver.query(self._ip.reverse_pointer, dns.PTR)).records
            except TemporaryFailure:
                found = ()
            candidates = cast(Sequence[str], found)[:_MOST_NAMES]
            self._begin_addresses(candidates)
            self._names = [name for name in candidates if await self._leads_back(name)]
        return self._names

    def _begin(self, term: str, text: Text) -> None:
        """Ask early for one term, if its name is known without macros."""
        name = text[0].removesuffix(".") if macros.is_plain(text) else ""
        if term == "ptr":
            name, kind = self._ip.reverse_pointer, dns.PTR
        elif term == "a":
            kind = self._kind
        else:
            kind = _KINDS[term]
        if is_name(name) and self._early < _MOST_EARLY:
            self._early += 1
            self._resolver.begin(name, kind)

    def _begin_addresses(self, names: Sequence[str]) -> None:
        if self._resolver.has_waited and len(names) > 1:
            for name in filter(is_name, names):
                self._resolver.begin(name, self._kind)

    async def _leads_back(self, name: str) -> bool:
        if not is_name(name):
            return False
        try:
            return self._ip in (await self._resolver.query(name, self._kind)).records
        except TemporaryFailure:
            return False

    async def _ask(self, name: str, kind: int) -> Sequence[object]:
        """The records of a term's own question. A name that nobody can have is not asked, and not void."""
        if not is_name(name):
            return ()
        answer = await self._resolver.query(name, kind)
        if not answer.records:
            self._void += 1
            if self._void > _MOST_VOID:
                raise PermanentError(f"more than {_MOST_VOID} lookups without an answer")
        return answer.records

    def _holds(self, records: Sequence[object], length: int) -> bool:
        rest = self._ip.max_prefixlen - length
        leading = self._number >> rest
        return any(int(address) >> rest == leading for address in cast(Sequence[IPAddress], records))
