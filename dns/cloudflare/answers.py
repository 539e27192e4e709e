"""What Cloudflare's API answered, looked at before it is believed. Pure.

An answer is a mapping with ``success: true`` and a ``result``; a list says in ``result_info`` how much of
it there is; a zone says what kind it is, and by which nameservers it is served; the answer to a batch
holds the records as they are now, and the deleted ones as they were.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dns.cloudflare.refusals import explained
from dns.errors import Unreachable, ZoneUnusable
from dns.plan.matching import Change, Plan
from dns.records import ZoneRecord, canonical_name, difference, from_api, same

AGAIN = "run again, or report it"


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as Cloudflare describes it. ``status``: active, pending, initializing, moved."""

    id: str
    name: str
    status: str
    nameservers: tuple[str, ...]
    type: str = "full"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``total`` is how many items there are in all, ``pages`` on how many pages."""

    items: tuple[Mapping[str, object], ...]
    total: int | None
    pages: int | None


@dataclass(frozen=True, slots=True)
class Made:
    """What the answer to a batch says was made of the plan.

    ``plan`` is the plan with its records as they were answered: the deleted ones as they really were.
    ``posted`` are the posted records in the plan's order, without an identifier where none was answered.
    ``unconfirmed`` says what the answer does not confirm, ``edited`` which of the deleted records had been
    edited since they were read.
    """

    plan: Plan
    posted: tuple[ZoneRecord, ...]
    unconfirmed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    confirmed: bool = True
    """Whether any of it is confirmed: then all was carried out, as a batch is one transaction."""


def envelope(answer: object) -> Mapping[str, object]:
    """The answer, if it is one of the API's successes. Raises Unreachable."""
    if not isinstance(answer, Mapping) or "result" not in answer:
        raise Unreachable(explained(200, answer if isinstance(answer, str) else None).text)
    if answer.get("success") is not True:
        raise Unreachable(explained(200, answer).text)
    return answer


def page_of(answer: Mapping[str, object]) -> Page:
    """The items of a list's answer, which says how many there are in all. Raises Unreachable."""
    result, info = answer.get("result"), answer.get("result_info")
    if not isinstance(result, list) or not all(
        isinstance(item, Mapping) and isinstance(item.get("id"), str) for item in result
    ):
        raise Unreachable(f"Cloudflare answered no list of items with an id where one was asked for: {AGAIN}")
    said = info if isinstance(info, Mapping) else {}
    total, pages = _count(said.get("total_count")), _count(said.get("total_pages"))
    if total is None and pages is None:
        raise Unreachable(f"Cloudflare did not say whether the {len(result)} items it gave are all: {AGAIN}")
    return Page(tuple(result), total, pages)


def _count(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 and value >= 0:
        return int(value)
    return None


def zone_record(item: Mapping[str, object]) -> ZoneRecord:
    """The record of a list's item. Raises Unreachable."""
    try:
        return from_api(item)
    except ValueError as error:
        raise Unreachable(f"Cloudflare answered {error}: {AGAIN}") from None


def zone_named(name: str, items: Iterable[Mapping[str, object]]) -> Zone | None:
    """The zone of this name among those that were answered, fit to be written into; None if there is none.

    Raises ZoneUnusable for one whose records Cloudflare does not serve, and where two could be meant.
    """
    found = {zone.id: zone for zone in map(_zone, items) if zone.name == name}
    zones = [zone for zone in found.values() if zone.type != "internal"] or list(found.values())
    active = [zone for zone in zones if zone.status == "active"]
    if len(zones) > 1 and len(active) != 1:
        many = ", ".join(f"{zone.id} ({zone.type}, {zone.status})" for zone in zones)
        raise ZoneUnusable(
            f"{name}: the token sees {len(zones)} zones of this name ({many}), so nothing was changed: "
            "give the token access to that one alone, or delete the others in the dashboard"
        )
    if not zones:
        return None
    zone = active[0] if len(zones) > 1 else zones[0]
    if zone.type != "full":
        why, fix = _NOT_FULL.get(zone.type, _OF_A_TYPE_NOT_KNOWN)
        raise ZoneUnusable(f"zone {name} is of type {zone.type!r}: {why}, so nothing was changed: {fix}")
    if not zone.nameservers:
        raise ZoneUnusable(
            f"zone {name}: Cloudflare names no nameservers that serve it, so nothing was changed: "
            "see DNS > Records in the dashboard, and run again when it names them"
        )
    return zone


_OF_A_TYPE_NOT_KNOWN = (
    "who serves its records is not known",
    "convert it to a full setup in the dashboard, or report this",
)
_NOT_FULL = {
    "partial": (
        "another provider's nameservers answer for it, and would never know these records",
        "make the records there, or convert the zone to a full setup in the dashboard",
    ),
    "secondary": (
        "its records come from a primary elsewhere by zone transfer",
        "make the records at the primary, or convert the zone to a full setup in the dashboard",
    ),
    "internal": (
        "only the account's own resolvers answer for it, the world does not",
        "add the domain as a public zone, and give the token access to that",
    ),
}


def _zone(item: Mapping[str, object]) -> Zone:
    for key in ("id", "name", "status", "type"):
        if not isinstance(item.get(key), str) or not item[key]:
            raise Unreachable(f"Cloudflare answered a zone without {key!r}: {AGAIN}")
    servers = item.get("name_servers")
    return Zone(
        id=str(item["id"]),
        name=canonical_name(str(item["name"])),
        status=str(item["status"]),
        nameservers=tuple(
            canonical_name(server)
            for server in (servers if isinstance(servers, list) else ())
            if isinstance(server, str) and server.strip(". ")
        ),
        type=str(item["type"]),
    )


def made_of(plan: Plan, answer: Mapping[str, object]) -> Made:
    """What the answer to the plan's batch confirms."""
    result = answer.get("result")
    returned = result if isinstance(result, Mapping) else {}
    unconfirmed: list[str] = []
    posts, patches, deletes = (_records(returned.get(kind)) for kind in ("posts", "patches", "deletes"))
    posted: list[ZoneRecord] = []
    for record in plan.posts:
        held = next((held for held in posts if same(held.record, record)), None)
        posted.append(held or ZoneRecord("", record))
        if held is None:
            unconfirmed.append(f"{record.shown}: Cloudflare did not confirm it")
        else:
            posts.remove(held)
    changes: list[Change] = []
    for change in plan.patches:
        held = next((held for held in patches if held.id == change.before.id), None)
        if held is not None and same(held.record, change.after):
            changes.append(replace(change, after=held.record))
        else:
            changes.append(change)
            unconfirmed.append(f"{change.after.shown}: Cloudflare did not confirm it")
    was = {held.id: held for held in deletes}
    named = {str(item.get("id")) for item in _mappings(returned.get("deletes"))}
    if any(held.id not in named for held in plan.deletes):
        unconfirmed.append("Cloudflare did not confirm every deletion")
    return Made(
        replace(
            plan,
            patches=tuple(changes),
            deletes=tuple(was.get(held.id, held) for held in plan.deletes),
        ),
        tuple(posted),
        tuple(unconfirmed),
        tuple(
            difference(held.record, was[held.id].record)
            for held in plan.deletes
            if held.id in was and not same(was[held.id].record, held.record)
        ),
        confirmed=bool(named & {held.id for held in plan.deletes})
        or any(held.id for held in posted)
        or any(held.id == change.before.id for held in patches for change in plan.patches),
    )


def _records(items: object) -> list[ZoneRecord]:
    """Those of the items that are records."""
    found: list[ZoneRecord] = []
    for item in _mappings(items):
        try:
            found.append(from_api(item))
        except ValueError:
            continue
    return found


def _mappings(items: object) -> list[Mapping[str, object]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
