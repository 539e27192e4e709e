"""A mail host's name does not lose its addresses while mail is still led to it.

A sender may keep an MX for as long as its TTL says. If the addresses of its target are deleted meanwhile, the
sender finds none, and may return the message to its author. So a name's addresses may be deleted only after
every MX that leads to the name is gone from the zone and from the caches.

What asks the DNS is imported late, because most plans delete no name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dns.inventory import Inventory
from dns.plan import Obstacle, Plan
from dns.records import ADDRESS_TYPES, Record, ZoneRecord

if TYPE_CHECKING:
    from dns.world.leads import Leads
    from dns.world.vantage import VantagePoint

AUTOMATIC_SECONDS = 300  # what a TTL of 1 means at Cloudflare


def withdrawn(plan: Plan, found: Iterable[ZoneRecord]) -> dict[str, Record]:
    """The names that have addresses in the zone `found` and none after the plan, each with a record."""
    deleted = {held.id for held in plan.deletes}
    lasting = {record.name for record in plan.desired if record.type in ADDRESS_TYPES}
    lasting |= {
        held.record.name
        for held in found
        if held.id not in deleted and held.record.type in (*ADDRESS_TYPES, "CNAME")
    }
    return {
        held.record.name: held.record
        for held in reversed(plan.deletes)
        if held.record.type in ADDRESS_TYPES and held.record.name not in lasting
    }


def check(
    plan: Plan,
    found: Sequence[ZoneRecord],
    forgetting: Collection[str] | None,
    elsewhere: Callable[[], Sequence[Leads]],
) -> Plan:
    """Return the plan with an obstacle for each name that it withdraws while mail is, or may be, led there.

    `found` is the whole zone. `forgetting` holds the names that may go all the same, and None means any name.
    `elsewhere` looks up what else may lead to a name. It is called only if the zone itself does not.
    """
    going = withdrawn(plan, found)
    names = [name for name in sorted(going) if forgetting is not None and name not in forgetting]
    if not names:
        return plan
    here = leads_in_zone(found)
    others: Sequence[Leads] | None = None
    new: list[Obstacle] = []
    for name in names:
        known: list[Leads] = [here]
        if here.to({name}) is None:
            others = elsewhere() if others is None else others
            known += others
        if reason := why_not(name, known):
            new.append(Obstacle(going[name], reason, _fix(name)))
    return replace(plan, obstacles=(*plan.obstacles, *new)) if new else plan


def leads_in_zone(found: Iterable[ZoneRecord]) -> Leads:
    """Where the MX records of a zone lead, at any name in it, and whoever made them."""
    from dns.world.leads import Lead, Leads

    mx = [held.record for held in found if held.record.type == "MX"]
    return Leads(
        "the zone",
        tuple(
            Lead(r.name, r.content, r.priority, AUTOMATIC_SECONDS if r.ttl == 1 else r.ttl, "the zone")
            for r in mx
        ),
    )


def why_not(name: str, known: Iterable[Leads]) -> str:
    """Why the addresses of a name must stay for now. Empty if nothing leads to the name. Pure."""
    unknown = ""
    for leads in known:
        if lead := leads.to({name}):
            return (
                f"would be deleted while {lead} leads mail to that name ({lead.source} says so): a sender "
                f"may keep that MX for {lead.ttl} s, find no address, and return its mail as undeliverable"
            )
        if leads.unknown and not unknown:
            unknown = (
                f"would be deleted, but it is not known whether the MX of {leads.domain} leads mail to that "
                f"name ({leads.unknown})"
            )
    return unknown


def _fix(name: str) -> str:
    return (
        "put the name back into the inventory, or remove it in steps (docs/dns.md says how); to delete it at "
        f"once and risk that mail, add --forget-host {name} (to a deploy: --data forget_host={name})"
    )


def look_elsewhere(inventory: Inventory, domain: str, vantage: VantagePoint) -> list[Leads]:
    """Look up where mail of the inventory's other domains is led, and which MX of `domain` resolvers keep.

    The zone of `domain` itself has been read already.
    """
    from dns.world.leads import Leads, cached, look_up

    return [
        Leads(each.name, cached(each.name, vantage)) if each.name == domain else look_up(each.name, vantage)
        for each in inventory.domains
    ]
