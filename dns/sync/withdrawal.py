"""A mail host's name that a plan takes out of the DNS is refused while mail is still led to it.

A sender may keep an MX for as long as its TTL says. If the addresses of its target are deleted meanwhile,
the sender is told that there are none, and may return the message to its author. So a name's addresses may
go only after every MX that leads to the name has gone, from the zone and from the caches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dns.inventory.checked import Inventory
from dns.plan.matching import ADDRESS, Obstacle, Plan
from dns.records import Record, ZoneRecord
from dns.world.leads import Lead, Leads, cached, look_up

if TYPE_CHECKING:
    from dns.world.vantage import From

AUTOMATIC_SECONDS = 300  # what a TTL of 1 means at Cloudflare


def withdrawn(plan: Plan, found: Iterable[ZoneRecord]) -> dict[str, Record]:
    """The names that have addresses in the zone as `found`, and none after the plan; with one of these."""
    deleted = {held.id for held in plan.deletes}
    lasting = {record.name for record in plan.desired if record.type in ADDRESS}
    lasting |= {
        held.record.name
        for held in found
        if held.id not in deleted and held.record.type in (*ADDRESS, "CNAME")
    }
    return {
        held.record.name: held.record
        for held in reversed(plan.deletes)
        if held.record.type in ADDRESS and held.record.name not in lasting
    }


def in_zone(found: Iterable[ZoneRecord]) -> Leads:
    """Where the MX records of a zone lead, whoever's they are and at whichever name."""
    mx = [held.record for held in found if held.record.type == "MX"]
    return Leads(
        "the zone",
        tuple(
            Lead(r.name, r.content, r.priority, AUTOMATIC_SECONDS if r.ttl == 1 else r.ttl, "the zone")
            for r in mx
        ),
    )


def checked(
    plan: Plan,
    found: Sequence[ZoneRecord],
    forgetting: Collection[str] | None,
    elsewhere: Callable[[], Sequence[Leads]],
) -> Plan:
    """The plan, with an obstacle for each name that it takes away while mail is led there, or may be.

    `found` is the whole zone. `forgetting` holds the names that may go all the same; None is any name.
    `elsewhere` looks up what else may lead to a name, and is called only where the zone itself does not.
    """
    going = withdrawn(plan, found)
    names = [name for name in sorted(going) if forgetting is not None and name not in forgetting]
    here = in_zone(found)
    others: Sequence[Leads] | None = None
    new: list[Obstacle] = []
    for name in names:
        known: list[Leads] = [here]
        if here.to({name}) is None:
            others = elsewhere() if others is None else others
            known += others
        if reason := why_not(name, known):
            new.append(Obstacle(going[name], reason, _mend(name)))
    return replace(plan, obstacles=(*plan.obstacles, *new)) if new else plan


def why_not(name: str, known: Iterable[Leads]) -> str:
    """Why the addresses of a name must stay for now; empty where nothing leads to it. Pure."""
    unknown = ""
    for leads in known:
        if lead := leads.to({name}):
            return (
                f"would be deleted while {lead} leads mail to that name ({lead.source} says so): a sender "
                f"may keep that MX for {lead.ttl} s, find no address, and return its mail as undeliverable"
            )
        if leads.unknown and not unknown:
            unknown = (
                f"would be deleted, and whether the MX of {leads.domain} leads mail to that name cannot be "
                f"told ({leads.unknown})"
            )
    return unknown


def _mend(name: str) -> str:
    return (
        "put the name back into the inventory, or take it away in steps (docs/dns.md says how); to delete it "
        f"at once and risk that mail, add --forget-host {name} (to a deploy: --data forget_host={name})"
    )


def look_elsewhere(inventory: Inventory, domain: str, where: From) -> list[Leads]:
    """Where the mail of the inventory's other domains is led, and what resolvers keep of the domain's MX.

    `domain` is the one whose zone was read.
    """
    return [
        Leads(each.name, cached(each.name, where)) if each.name == domain else look_up(each.name, where)
        for each in inventory.domains
    ]
