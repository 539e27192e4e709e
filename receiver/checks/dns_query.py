"""What the checks ask of DNS. Pure: `resolver` and the tests' zones are `Resolver`s.

The records of an answer are octets for TXT (the strings of a record joined), addresses for A and AAAA, and
names in lower case without the final dot for PTR and MX. MX records are in the order of their preference.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

A, PTR, MX, TXT, AAAA = 1, 12, 15, 16, 28  # types of records (RFC 1035 section 3.2.2, RFC 3596)

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class TemporaryFailure(Exception):
    """No answer in time, SERVFAIL, REFUSED or a DNSSEC failure. What was asked for is unknown, not absent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of the asked type. Without any, `exists` tells whether the name has others."""

    records: tuple[object, ...] = ()
    exists: bool = True  # False: NXDOMAIN
    authentic: bool = False  # whether the resolver validated it by DNSSEC


class Resolver(Protocol):
    """Answers a question. It returns without waiting if the answer is known already."""

    async def query(self, name: str, kind: int) -> Answer:
        """`name` is without a final dot, in A-labels. Raises TemporaryFailure."""
        ...


def is_askable(name: str) -> bool:
    """Whether a name is short enough to be asked for (RFC 1035 section 2.3.4)."""
    return 0 < len(name) <= 253 and all(0 < len(label) <= 63 for label in name.split("."))


async def txt(resolver: Resolver, name: str) -> Sequence[bytes]:
    """The TXT records of a name. Raises TemporaryFailure."""
    return cast(Sequence[bytes], (await resolver.query(name, TXT)).records)


async def addresses(resolver: Resolver, name: str, version: int) -> Sequence[IPAddress]:
    """The addresses of a name of one IP version. Raises TemporaryFailure."""
    return cast(Sequence[IPAddress], (await resolver.query(name, A if version == 4 else AAAA)).records)
