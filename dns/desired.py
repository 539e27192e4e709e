"""What a domain that receives mail should publish, from the inventory. Pure.

MX for every host (RFC 5321, section 5.1); A and AAAA for the hosts whose names are in the zone; and
for a domain that sends no mail ``v=spf1 -all`` (RFC 7208) and DMARC's ``p=reject`` (RFC 7489); TLS
reports (RFC 8460) and CAA (RFC 8659) where they are configured. A host outside the zone has its
addresses published by its own zone.
"""

from collections.abc import Mapping

from dns.inventory import domain as domain_data
from dns.inventory.checked import Inventory
from dns.inventory.domain import Domain
from dns.inventory.host_addresses import Addresses, published
from dns.names import below, is_within
from dns.records import Record, mark_of

SPF = "v=spf1 -all"
DMARC = "v=DMARC1; p=reject"
TLS_REPORTS = "v=TLSRPTv1"


def desired(
    inventory: Inventory, domain: Domain, zone: str, addresses: Mapping[str, Addresses]
) -> tuple[Record, ...]:
    """The records for the domain, in the zone of that name (the domain itself, or above it).

    ``addresses`` holds what was read from the hosts, by the name that ssh reaches them by. Raises
    HostUnreadable for a host in the zone without a usable address.
    """
    mark = mark_of(domain.name)
    records = [
        Record("MX", domain.name, host.hostname, host.mx_preference, domain.ttl, comment=mark)
        for host in inventory.hosts
    ]
    for host in inventory.hosts:
        if is_within(host.hostname, zone):
            own = published(host, addresses.get(host.name))
            records += [Record("A", host.hostname, ip, ttl=domain.ttl, comment=mark) for ip in own.ipv4]
            records += [Record("AAAA", host.hostname, ip, ttl=domain.ttl, comment=mark) for ip in own.ipv6]
    if domain.sends_mail is False:
        records.append(Record("TXT", domain.name, SPF, ttl=domain.ttl, comment=mark))
        records.append(
            Record("TXT", below(domain.name, domain_data.DMARC), DMARC, ttl=domain.ttl, comment=mark)
        )
    if domain.tls_reports:
        text = f"{TLS_REPORTS}; rua={','.join(domain.tls_reports)}"
        name = below(domain.name, domain_data.TLS_REPORTS)
        records.append(Record("TXT", name, text, ttl=domain.ttl, comment=mark))
    for authority in domain.caa:
        records.append(Record("CAA", domain.name, f'0 issue "{authority}"', ttl=domain.ttl, comment=mark))
    return tuple(records)
