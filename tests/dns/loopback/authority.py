"""What an authoritative nameserver answers from its zones (RFC 1034, 4.3.2; RFC 2308; RFC 4592).

tests/dns/loopback/test_real_nameservers.py compares it with real nameservers.
"""

from __future__ import annotations

from collections.abc import Iterable

from dns.message import Message
from dns.name import Name
from dns.rdataset import Rdataset
from dns.rrset import RRset
from dns.zone import Zone

from dns import flags, rcode, rdataclass, rdatatype

ADDRESS = (rdatatype.A, rdatatype.AAAA)


def fill(
    answer: Message, zones: Iterable[Zone], name: Name, kind: rdatatype.RdataType, *, recursive: bool = False
) -> None:
    """Answer from these zones: the records, with the whole chain of aliases, a referral, or a denial.

    The answer is REFUSED if none of the zones holds the name. A resolver (`recursive`) follows no delegation,
    because everything that it knows is in its zones.
    """
    held = list(zones)
    followed: set[Name] = set()
    while name not in followed:
        zone = _zone_of(held, name, kind)
        if zone is None or zone.origin is None:
            if not followed:
                answer.set_rcode(rcode.REFUSED)
            return
        cut = None if recursive else _cut(zone, name, kind)
        if cut is not None:
            _refer(answer, zone, cut)
            return
        if not recursive:
            answer.flags |= flags.AA
        source = _source(zone, name)
        rdataset = zone.get_rdataset(source, kind) if source else None
        alias = zone.get_rdataset(source, rdatatype.CNAME) if source else None
        if rdataset or not alias:
            if rdataset:
                answer.answer.append(rrset_of(name, rdataset))
            else:
                _deny(answer, zone, exists=source is not None)
            return
        answer.answer.append(rrset_of(name, alias))
        followed.add(name)
        name = alias[0].target


def rrset_of(name: Name, rdataset: Rdataset) -> RRset:
    """The records under this name."""
    rrset = RRset(name, rdataclass.IN, rdataset.rdtype)
    rrset.update(rdataset)
    return rrset


def _zone_of(zones: Iterable[Zone], name: Name, kind: rdatatype.RdataType) -> Zone | None:
    """The deepest zone that holds the name; for DS, that is the parent's (RFC 4035, 3.1.4.1)."""
    fitting = [zone for zone in zones if zone.origin is not None and name.is_subdomain(zone.origin)]
    above = [zone for zone in fitting if not (kind == rdatatype.DS and zone.origin == name)]
    return max(above or fitting, key=lambda zone: len(zone.origin or ()), default=None)


def _cut(zone: Zone, name: Name, kind: rdatatype.RdataType) -> Name | None:
    """The uppermost delegation on the way from the zone to the name."""
    assert zone.origin is not None
    for length in range(len(zone.origin) + 1, len(name) + 1):
        cut = Name(name.labels[-length:])
        if zone.get_rdataset(cut, rdatatype.NS) and not (kind == rdatatype.DS and cut == name):
            return cut
    return None


def _refer(answer: Message, zone: Zone, cut: Name) -> None:
    servers = zone.get_rdataset(cut, rdatatype.NS)
    assert servers is not None
    answer.authority.append(rrset_of(cut, servers))
    for rdata in servers:
        for kind in ADDRESS:
            glue = zone.get_rdataset(rdata.target, kind)
            answer.additional += [rrset_of(rdata.target, glue)] if glue else []


def _source(zone: Zone, name: Name) -> Name | None:
    """The name that has the records for this one: itself, or a wildcard. None if the name does not exist."""
    if any(node.is_subdomain(name) for node in zone):
        return name
    encloser = name.parent()
    while not any(node.is_subdomain(encloser) for node in zone):
        encloser = encloser.parent()
    wildcard = Name((b"*", *encloser.labels))
    return wildcard if zone.get_node(wildcard) else None


def _deny(answer: Message, zone: Zone, *, exists: bool) -> None:
    assert zone.origin is not None
    soa = zone.get_rdataset(zone.origin, rdatatype.SOA)
    if soa:
        denial = rrset_of(zone.origin, soa)
        denial.ttl = min(soa.ttl, soa[0].minimum)
        answer.authority.append(denial)
    if not exists:
        answer.set_rcode(rcode.NXDOMAIN)
