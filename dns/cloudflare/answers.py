"""Reading what Cloudflare's API answers. Everything is checked before it is believed. Pure.

An answer is a mapping with `success: true` and a `result`. A list says in `result_info` how many items there
are. A zone has a type, a status and nameservers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dns.cloudflare.api_records import from_api
from dns.cloudflare.refusals import explain
from dns.errors import Unreachable, ZoneUnusable
from dns.records import ZoneRecord, canonical_name

AGAIN = "run again, or report it"


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as Cloudflare describes it. `status` is active, pending, initializing or moved."""

    id: str
    name: str
    status: str
    nameservers: tuple[str, ...]
    type: str = "full"
    account: str = ""
    """The identifier of the account that the zone is in. Empty if Cloudflare did not say it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` is the number of items on all pages, `pages` the number of pages."""

    items: tuple[Mapping[str, object], ...]
    total: int | None
    pages: int | None


def check_success(answer: object) -> Mapping[str, object]:
    """Return the answer if the API says that the request succeeded. Raises Unreachable otherwise."""
    if not isinstance(answer, Mapping) or "result" not in answer:
        raise Unreachable(explain(200, answer if isinstance(answer, str) else None).text)
    if answer.get("success") is not True:
        raise Unreachable(explain(200, answer).text)
    return answer


def page_from(answer: Mapping[str, object]) -> Page:
    """Read one page of a list. Raises Unreachable if it does not say how many items there are in all."""
    result, info = answer.get("result"), answer.get("result_info")
    if not isinstance(result, list) or not all(
        isinstance(item, Mapping) and isinstance(item.get("id"), str) for item in result
    ):
        raise Unreachable(f"Cloudflare did not answer with a list of items that have an id: {AGAIN}")
    said = info if isinstance(info, Mapping) else {}
    total, pages = _count(said.get("total_count")), _count(said.get("total_pages"))
    if total is None and pages is None:
        raise Unreachable(f"Cloudflare did not say whether the {len(result)} items it gave are all: {AGAIN}")
    return Page(tuple(result), total, pages)


def _count(value: object) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 and value >= 0:
        return int(value)
    return None


def record_from(item: Mapping[str, object]) -> ZoneRecord:
    """Read a record from an item of a list. Raises Unreachable."""
    try:
        return from_api(item)
    except ValueError as error:
        raise Unreachable(f"Cloudflare answered {error}: {AGAIN}") from None


def zone_from(name: str, items: Iterable[Mapping[str, object]]) -> Zone | None:
    """Find the zone of this name among the items of a list. None if there is none.

    Raises ZoneUnusable if Cloudflare does not serve the zone's records, and if two zones could be meant.
    """
    found = {zone.id: zone for zone in map(_zone, items) if zone.name == name}
    zones = [zone for zone in found.values() if zone.type != "internal"] or list(found.values())
    active = [zone for zone in zones if zone.status == "active"]
    if len(zones) > 1 and len(active) != 1:
        many = ", ".join(f"{zone.id} ({zone.type}, {zone.status})" for zone in zones)
        raise ZoneUnusable(
            f"{name}: the token sees {len(zones)} zones of this name ({many}), so nothing was changed: "
            "give the token access to one of them alone, or delete the others in the dashboard"
        )
    if not zones:
        return None
    zone = active[0] if len(zones) > 1 else zones[0]
    if zone.type != "full":
        why, fix = _NOT_FULL.get(zone.type, _UNKNOWN_TYPE)
        raise ZoneUnusable(f"zone {name} is of type {zone.type!r}: {why}, so nothing was changed: {fix}")
    if not zone.nameservers:
        raise ZoneUnusable(
            f"zone {name}: Cloudflare names no nameservers that serve it, so nothing was changed: "
            "run again when DNS > Records in the dashboard names them"
        )
    return zone


_UNKNOWN_TYPE = (
    "this program does not know who serves its records",
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
    servers, account = item.get("name_servers"), item.get("account")
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
        account=str(account.get("id") or "") if isinstance(account, Mapping) else "",
    )
