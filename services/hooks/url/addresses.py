"""Which addresses a URL may lead to. Pure.

Private addresses are refused, because whoever answers for the name in the URL could let this host talk to
its own services, or to the metadata service of its cloud.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_6TO4 = ip_network("2002::/16")  # RFC 3056
_COMPATIBLE = ip_network("::/96")  # RFC 4291 section 2.5.5.1
_TRANSLATED = ip_network("::ffff:0:0:0/96")  # SIIT, RFC 2765
_LOCAL = (
    ip_network("64:ff9b:1::/48"),  # NAT64 for local use, RFC 8215
    ip_network("2001::/32"),  # Teredo, RFC 4380
    ip_network("2001:10::/28"),  # ORCHID, RFC 4843
    ip_network("fec0::/10"),  # site-local, RFC 3879
    ip_network("5f00::/16"),  # segment routing, RFC 9602
    ip_network("100::/64"),  # discard-only, RFC 6666
    ip_network("192.0.0.0/24"),  # RFC 6890
    ip_network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
)
_METADATA = ip_address("168.63.129.16")  # Azure's WireServer, whose address is a public one


def refusal(text: str, *, allow_private: bool) -> str | None:
    """Why this address is refused, in words. None if it may be connected to.

    Addresses that nobody can mean are refused always: link-local, multicast, unspecified.
    """
    try:
        address = _meant(ip_address(text.partition("%")[0]))
    except ValueError:
        return "is no IP address"
    if address.is_unspecified or str(address).startswith("0."):
        return "is the unspecified address"
    if address.is_multicast or str(address) == "255.255.255.255":
        return "is a multicast or broadcast address"
    if address.is_link_local:
        return "is a link-local address"
    if allow_private:
        return None
    if address.is_loopback:
        return "is a loopback address"
    if address == _METADATA or not address.is_global or address.is_reserved:
        return "is a private address"
    if any(address in network for network in _LOCAL if network.version == address.version):
        return "is a private address"
    return None


def _meant(address: Address) -> Address:
    """The address that packets to this one reach: the IPv4 address that an IPv6 address holds."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _6TO4:
        return IPv4Address(address.packed[2:6])
    if address in _NAT64 or address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return IPv4Address(address.packed[12:])
    return address
