"""Mail that a zone leads to a host of the inventory for a domain that the inventory does not have. Pure.

A machine that replaces another one of the same name does not know which domains the old one served. If such a
domain was taken out of the inventory meanwhile, and lies in a zone that is read anyway, the zone tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dns.inventory import Inventory
from dns.names import below
from dns.records import Record, ZoneRecord, is_ours
from dns.until import WITHDRAWN, parse_withdrawn, seconds_of

if TYPE_CHECKING:
    from dns.world.leads import Leads


def unserved(found: Iterable[ZoneRecord], inventory: Inventory) -> tuple[Leads, ...]:
    """What leads the mail of such domains here, by records of ours: a value for each domain.

    The MX of a domain that was withdrawn has gone, but `withdrawn_until` says until when senders may come.
    """
    hosts = {host.hostname for host in inventory.hosts}
    served = {domain.name for domain in inventory.domains}
    mx: dict[str, list[Record]] = {}
    markers: dict[str, Record] = {}
    for record in (held.record for held in found if is_ours(held.record)):
        if record.type == "MX" and record.content in hosts and record.name not in served:
            mx.setdefault(record.name, []).append(record)
        name = record.name.removeprefix(below("", WITHDRAWN))
        if record.type == "TXT" and name != record.name and name not in served:
            markers[name] = record
    if not mx and not markers:
        return ()
    from dns.world.leads import Lead, Leads  # late: it imports dnspython

    return tuple(
        Leads(
            name,
            tuple(
                Lead(name, one.content, one.priority, seconds_of(one.ttl), "its zone")
                for one in mx.get(name, ())
            ),
            withdrawn_until=parse_withdrawn(markers[name].content) if name in markers else None,
        )
        for name in dict.fromkeys((*mx, *markers))
    )
