"""The records that a domain which receives mail should publish, from the inventory. Pure.

An MX for every host (RFC 5321, section 5.1), and A and AAAA for the hosts whose names are in the zone. A host
outside the zone has its addresses published by its own zone. A domain that sends no mail gets `v=spf1 -all`
(RFC 7208) and DMARC's `p=reject` (RFC 7489). TLS reports (RFC 8460) and CAA (RFC 8659) are published if they
are configured. The keys of the hosts (RFC 7672), and the accounts that renew their certificates (RFC 8657),
are published if it is known which are right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dns import tlsa
from dns.caa.decision import NOTHING, Caa
from dns.inventory import Domain, Inventory, domain
from dns.inventory.host_addresses import Addresses, published
from dns.names import below, is_within
from dns.records import Record, mark_of

SPF = "v=spf1 -all"
DMARC = "v=DMARC1; p=reject"
TLS_REPORTS = "v=TLSRPTv1"


def desired(
    inventory: Inventory,
    served: Domain,
    zone: str,
    addresses: Mapping[str, Addresses],
    keys: Mapping[str, Collection[str]] = {},
    caa: Caa = NOTHING,
) -> tuple[Record, ...]:
    """Return the records for the served domain. `zone` is the name of its zone: the domain or one above it.

    `addresses` holds what was read from the hosts, by `MailHost.name`. Raises HostUnreadable if a host
    whose name is in the zone has no usable address. `keys` are the digests to publish of each host's keys, by
    its hostname (`dns.tlsa`). `caa` is what is decided for the CAA at the names of the hosts.
    """
    mark = mark_of(served.name)
    records = [
        Record("MX", served.name, host.hostname, host.mx_preference, served.ttl, comment=mark)
        for host in inventory.hosts
    ]
    for host in inventory.hosts:
        if is_within(host.hostname, zone):
            own = published(host, addresses.get(host.name))
            records += [Record("A", host.hostname, ip, ttl=served.ttl, comment=mark) for ip in own.ipv4]
            records += [Record("AAAA", host.hostname, ip, ttl=served.ttl, comment=mark) for ip in own.ipv6]
            name = tlsa.name_of(host.hostname)
            records += [
                Record(tlsa.TYPE, name, tlsa.content(digest), ttl=tlsa.TTL, comment=mark)
                for digest in keys.get(host.hostname, ())
            ]
    if served.sends_mail is False:
        records.append(Record("TXT", served.name, SPF, ttl=served.ttl, comment=mark))
        name = below(served.name, domain.DMARC)
        records.append(Record("TXT", name, DMARC, ttl=served.ttl, comment=mark))
    if served.tls_reports:
        text = f"{TLS_REPORTS}; rua={','.join(served.tls_reports)}"
        name = below(served.name, domain.TLS_REPORTS)
        records.append(Record("TXT", name, text, ttl=served.ttl, comment=mark))
    for authority in served.caa:
        records.append(Record("CAA", served.name, f'0 issue "{authority}"', ttl=served.ttl, comment=mark))
    return (*records, *caa.records(served.ttl, mark))
