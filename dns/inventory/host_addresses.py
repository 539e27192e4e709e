"""The addresses of a mail host: those in the inventory, and for what it leaves out the host's own. Pure.

The host's own addresses come from `ip -json address` (iproute2). Temporary (RFC 8981), deprecated and
tentative addresses are left out, and so are those that the world cannot reach.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass

from dns.errors import HostUnreadable
from dns.inventory.mail_host import MailHost
from dns.names import IPAddress, why_unreachable

COMMAND = "ip -json address show scope global"
_LEFT_OUT = ("temporary", "deprecated", "tentative", "dadfailed")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a host in canonical form, sorted for each IP version."""

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()


def parse_addresses(output: str) -> Addresses:
    """Read what COMMAND printed on the host. Raises ValueError for anything else."""
    found: dict[int, set[IPAddress]] = {4: set(), 6: set()}
    links = json.loads(output)
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        raise ValueError("not a list of interfaces")
    for link in links:
        entries = link.get("addr_info") or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("an interface whose addresses are not a list")
        for entry in entries:
            if entry.get("scope") == "global" and not any(entry.get(flag) for flag in _LEFT_OUT):
                address = ipaddress.ip_address(str(entry.get("local")))
                found[address.version].add(address)
    return Addresses(
        ipv4=tuple(str(address) for address in sorted(found[4], key=int)),
        ipv6=tuple(str(address) for address in sorted(found[6], key=int)),
    )


def is_complete(host: MailHost) -> bool:
    """Whether the inventory gives every address of the host, so that the host need not be asked."""
    given = {4: host.ipv4, 6: host.ipv6}
    return all(given[version] is not None for version in host.ip_versions)


def in_inventory(host: MailHost, version: int) -> frozenset[str] | None:
    """The addresses of this IP version that the inventory gives; None if it leaves them to the host."""
    if version not in host.ip_versions:
        return frozenset()
    given = host.ipv4 if version == 4 else host.ipv6
    return frozenset({given}) if given else None


def published(host: MailHost, own: Addresses | None) -> Addresses:
    """The addresses to publish for the host: those in the inventory, else those that it has itself.

    `own` is None if nothing was read from the host. An IP version that the inventory sets to False has no
    address. Raises HostUnreadable if no address is left.
    """
    read = own or Addresses()
    both = Addresses(
        ipv4=_of_version(4, host, host.ipv4, read.ipv4),
        ipv6=_of_version(6, host, host.ipv6, read.ipv6),
    )
    if not (both.ipv4 or both.ipv6):
        has = ", ".join((*read.ipv4, *read.ipv6)) or "none"
        keys = " or ".join(f"public_ipv{version}" for version in sorted(host.ip_versions))
        raise HostUnreadable(
            f"host {host.name}: has no public address (its own: {has}): set {keys} in the inventory"
        )
    return both


def published_if_known(host: MailHost, own: Addresses | None) -> Addresses | None:
    """The addresses to publish for the host; None if they are not known."""
    if own is None and not is_complete(host):
        return None
    try:
        return published(host, own)
    except HostUnreadable:
        return None


def _of_version(version: int, host: MailHost, given: str | None, own: tuple[str, ...]) -> tuple[str, ...]:
    if version not in host.ip_versions:
        return ()
    if given:
        return (given,)
    if host.allow_private_address:
        return own
    return tuple(text for text in own if why_unreachable(ipaddress.ip_address(text)) is None)
