"""Mail hosts whose names are in another zone: looked at before an MX leads to them.

This zone does not publish their records. But an MX may not lead to an alias (RFC 2181, 10.3), to a name
without an address (RFC 5321, 5.1), or to one whose addresses take no mail. Such a host is in the way, even
if only a resolver answers so. A host that is unlike the inventory, or could not be looked up, is only noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dns.inventory import Inventory, MailHost
from dns.inventory.host_addresses import Addresses
from dns.names import is_within
from dns.plan import Obstacle, Plan
from dns.records import Record

if TYPE_CHECKING:
    from dns.check.findings import Finding
    from dns.world.vantage import VantagePoint

IN_THE_WAY = ("alias", "no-address", "proxied", "private")  # codes of findings


def outside_of(zone: str, hosts: Iterable[MailHost]) -> tuple[MailHost, ...]:
    """The hosts whose names are not in the zone."""
    return tuple(host for host in hosts if not is_within(host.hostname, zone))


def check(
    plan: Plan,
    domain: str,
    hosts: Iterable[MailHost],
    inventory: Inventory,
    addresses: Mapping[str, Addresses],
    vantage: VantagePoint,
) -> Plan:
    """Return the plan with an obstacle for each of these hosts that no MX may lead to, and with notes."""
    obstacles: list[Obstacle] = []
    notes: list[str] = []
    for host in hosts:
        own = addresses.get(host.name)
        for finding in _findings(host, own, vantage):
            home = next((d.name for d in inventory.domains if is_within(host.hostname, d.name)), None)
            if finding.code == "no-address" and home:
                # Another domain of this inventory publishes its addresses, maybe in a moment.
                notes.append(f"{finding.problem} yet: python -m dns.sync {home}")
            elif finding.code in IN_THE_WAY:
                record = Record("MX", domain, host.hostname, host.mx_preference)
                obstacles.append(Obstacle(record, finding.problem, finding.fix))
            else:
                notes.append(str(finding))
    return replace(plan, obstacles=(*plan.obstacles, *obstacles), notes=(*plan.notes, *notes))


def _findings(host: MailHost, own: Addresses | None, vantage: VantagePoint) -> list[Finding]:
    """What is wrong with the host's name, as the nameservers of its own zone answer."""
    from dns.check.judge_mail import foreign_host, private  # late: these import dnspython
    from dns.world.look.mail_hosts import look_up_host

    seen = look_up_host(host, own, vantage)
    return [*foreign_host(seen), *private(seen)]
