"""Mail hosts whose names are in another zone: what the world finds there, for a remark.

Their records are not this zone's to publish, but the domain's MX leads to them: a target without an
address takes no mail (RFC 5321, section 5.1), and an alias is none (RFC 2181, section 10.3).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dns.host_addresses import Addresses
from dns.mail_host import MailHost
from dns.names import is_within

if TYPE_CHECKING:
    from dns.resolver import Resolver


def outside(hosts: Iterable[MailHost], zone: str) -> tuple[MailHost, ...]:
    """The hosts whose names are not in the zone."""
    return tuple(host for host in hosts if not is_within(host.hostname, zone))


def remarks(
    hosts: Iterable[MailHost], addresses: Mapping[str, Addresses], resolver: "Resolver"
) -> tuple[str, ...]:
    """What is wrong with the hosts' names as the resolver answers them; nothing where all is right.

    ``addresses`` holds what was read from the hosts; what neither it nor the inventory says is not
    compared.
    """
    from dns.exception import DNSException

    resolver.lifetime = 5.0
    found: list[str] = []
    for host in hosts:
        own = addresses.get(host.name, Addresses())
        known = {
            "A": (host.ipv4,) if host.ipv4 else own.ipv4,
            "AAAA": (host.ipv6,) if host.ipv6 else own.ipv6,
        }
        answered: dict[str, set[str]] = {}
        alias = ""
        try:
            for kind in known:
                answer = resolver.resolve(host.hostname + ".", kind, raise_on_no_answer=False)
                answered[kind] = {str(rdata.address) for rdata in answer.rrset or ()}
                name = answer.canonical_name.to_text(omit_final_dot=True).lower()
                alias = name if name != host.hostname else alias
        except DNSException as error:
            found.append(f"{host.hostname}: its zone does not answer for it ({' '.join(str(error).split())})")
            continue
        if alias:
            found.append(
                f"{host.hostname}: is an alias of {alias}, which an MX may not lead to: name that one"
            )
        found += _differing(host.hostname, known, answered)
    return tuple(found)


def _differing(
    name: str, known: Mapping[str, tuple[str, ...]], answered: Mapping[str, set[str]]
) -> list[str]:
    if not any(answered.values()) and not any(known.values()):
        return [f"{name}: has no address: publish its A and AAAA in its own zone"]
    lines = [
        f"{name}: its zone lacks {name} {kind} {address}: publish it there"
        for kind, addresses in known.items()
        for address in addresses
        if address not in answered[kind]
    ]
    lines += [
        f"{name}: its zone has {name} {kind} {address}, which is not this host's: delete it there"
        for kind, addresses in known.items()
        if addresses
        for address in sorted(answered[kind] - set(addresses))
    ]
    return lines
