"""Mail hosts whose names are in another zone: looked at before an MX is made to lead there.

Their records are not this zone's to publish, but a target that is an alias (RFC 2181, 10.3), has no
address (RFC 5321, 5.1), or only one that takes no mail, is refused, also where a resolver alone says
so; what is merely unlike the inventory, or could not be looked up, is noted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dns.inventory.checked import Inventory
from dns.inventory.host_addresses import Addresses
from dns.inventory.mail_host import MailHost
from dns.names import is_within
from dns.plan.matching import Obstacle, Plan
from dns.records import Record

if TYPE_CHECKING:
    from dns.check.findings import Finding
    from dns.world.vantage import From

REFUSED = ("alias", "no-address", "proxied", "private")


def outside(hosts: Iterable[MailHost], zone: str) -> tuple[MailHost, ...]:
    """The hosts whose names are not in the zone."""
    return tuple(host for host in hosts if not is_within(host.hostname, zone))


def checked(
    plan: Plan,
    domain: str,
    hosts: Iterable[MailHost],
    inventory: Inventory,
    addresses: Mapping[str, Addresses],
    where: "From",
) -> Plan:
    """The plan, with an obstacle for each of these hosts that no MX may lead to, and notes."""
    obstacles: list[Obstacle] = []
    notes: list[str] = []
    for host in hosts:
        own = addresses.get(host.name)
        for finding in _findings(host, own, where):
            home = next((d.name for d in inventory.domains if is_within(host.hostname, d.name)), None)
            if finding.code == "no-address" and home:
                # This inventory publishes it too, only not in this zone, and maybe in a moment.
                notes.append(f"{finding.problem} yet: python -m dns.sync {home}")
            elif finding.code in REFUSED:
                record = Record("MX", domain, host.hostname, host.mx_preference)
                obstacles.append(Obstacle(record, finding.problem, finding.mend))
            else:
                notes.append(str(finding))
    return replace(plan, obstacles=(*plan.obstacles, *obstacles), notes=(*plan.notes, *notes))


def _findings(host: MailHost, own: Addresses | None, where: "From") -> "list[Finding]":
    """What is wrong with the host's name, by the nameservers of its own zone."""
    from dns.check.judge_mail import outside, private
    from dns.world.mail_hosts import looked_up

    seen = looked_up(host, own, where)
    return [*outside(seen), *private(seen)]
