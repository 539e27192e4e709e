"""iprev (RFC 8601 section 3): whether a name of the peer's address leads back to the address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import cast

from receiver.checks import dns_query as dns
from receiver.checks.dns_query import IPAddress, Resolver, TemporaryFailure
from receiver.checks.results import Reverse

_MOST_NAMES = 10  # that are looked up, as for SPF's `ptr` (RFC 7208 section 4.6.4)
# Its last label is not a number, because some resolvers take a name such as 192.0.2.1 for the address itself.
_HOSTNAME = re.compile(r"(?:[A-Za-z0-9_\-]+\.)*(?![0-9]+\Z)[A-Za-z0-9_\-]+")


async def check(resolver: Resolver, ip: IPAddress) -> Reverse:
    """Check the names of an address. It asks at most eleven questions, and raises no TemporaryFailure.

    `permerror` is an address without a name, `fail` one of whose first ten names none leads back. If a name
    could still lead back, because DNS did not answer for it, the result is `temperror`.
    """
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ipaddress.IPv6Address(int(ip))  # without the scope of an interface
    try:
        answer = await resolver.query(ip.reverse_pointer, dns.PTR)
    except TemporaryFailure:
        return Reverse("temperror")
    # The owner of the address may publish any octets as a name. What is no hostname has no address either.
    names = [name for name in cast(Sequence[str], answer.records) if _is_hostname(name)]
    is_unknown = False
    for name in names[:_MOST_NAMES]:
        try:
            if ip in await dns.addresses(resolver, name, ip.version):
                return Reverse("pass", name)
        except TemporaryFailure:
            is_unknown = True
    if is_unknown:
        return Reverse("temperror", names[0])
    if not answer.records:
        return Reverse("permerror")
    return Reverse("fail", names[0] if names else "")


def _is_hostname(name: str) -> bool:
    return dns.is_askable(name) and bool(_HOSTNAME.fullmatch(name))
