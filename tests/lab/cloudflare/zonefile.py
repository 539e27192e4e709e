"""A zone as the world sees it, written as a master file (RFC 1035, section 5).

Proxied names answer with addresses of the proxy, and an MX that points at one is rewritten to a
`_dc-mx` name that carries the origin's addresses, as Cloudflare's servers do. With Universal SSL, Cloudflare
serves CAA records beside those of the user, which the API does not show:
https://developers.cloudflare.com/ssl/edge-certificates/caa-records/ (and CVE-2026-14440)
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.cloudflare.rules import quoted_strings, text_value
from tests.lab.cloudflare.zones import Record, Zone

PROXY = {"A": "104.16.0.1", "AAAA": "2606:4700::6810:1"}
OWN_AUTHORITIES = (
    "pki.goog; cansignhttpexchanges=yes",
    "letsencrypt.org",
    "ssl.com",
    "sectigo.com",
)
"""Whom Cloudflare's own CAA records allow."""
AUTOMATIC_TTL = 300
NEGATIVE_TTL = 1800
TIMERS = "10000 2400 604800"  # refresh, retry, expire


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """For how many seconds caches keep what has an automatic TTL, and that something is not there."""

    automatic: int = AUTOMATIC_TTL
    negative: int = NEGATIVE_TTL


AS_REAL = Lifetimes()


def zone_text(zone: Zone, lifetimes: Lifetimes = AS_REAL, edge: Mapping[str, str] = PROXY) -> str:
    """The zone file, with the zone's serial. `edge` are the addresses of the Workers, by record type."""
    negative = lifetimes.negative
    first = zone.nameservers[0] if zone.nameservers else f"ns.{zone.name}"
    lines = [
        f"$ORIGIN {zone.name}.",
        f"@ {negative} IN SOA {first}. dns.cloudflare.com. {zone.serial} {TIMERS} {negative}",
    ]
    lines += [f"@ 86400 IN NS {server}." for server in zone.nameservers]
    # Each line once, because several proxied records of a name answer with the same addresses.
    lines += dict.fromkeys([*_lines(zone, lifetimes.automatic, edge), *_own_caa(zone, lifetimes.automatic)])
    return "\n".join(lines) + "\n"


def write(zone: Zone, folder: Path, lifetimes: Lifetimes = AS_REAL, edge: Mapping[str, str] = PROXY) -> Path:
    """Give the zone a higher serial and put its file in place atomically."""
    zone.serial = max(zone.serial + 1, int(time.time()))
    path = folder / f"{zone.name}.zone"
    new = path.with_suffix(".new")
    new.write_text(zone_text(zone, lifetimes, edge), encoding="ascii")
    new.replace(path)
    return path


def _own_caa(zone: Zone, automatic: int) -> Iterator[str]:
    """Cloudflare's own CAA records: at each name that has some, and at the apex, once there are any."""
    names = {record["name"] for record in zone.records.values() if record["type"] == "CAA"}
    for name in sorted({*names, zone.name}) if zone.universal_ssl and names else ():
        for tag in ("issue", "issuewild"):
            for authority in OWN_AUTHORITIES:
                yield _line(name, automatic, "CAA", f'0 {tag} "{authority}"')


def _lines(zone: Zone, automatic: int, edge: Mapping[str, str]) -> Iterator[str]:
    records = list(zone.records.values())
    proxied = {record["name"] for record in records if record["proxied"]}
    aliases = {record["name"] for record in records if record["type"] == "CNAME" and not record["proxied"]}
    for record in records:
        if record["name"] in aliases - {zone.name} and record["type"] != "CNAME":
            continue  # the records are kept, but the alias alone is answered
        if record["proxied"]:
            addresses = edge if record["meta"].get("origin_worker_id") else PROXY
            yield from (_line(record["name"], automatic, kind, to) for kind, to in addresses.items())
        elif record["type"] == "MX" and record["content"] in proxied:
            hidden = f"_dc-mx.{hashlib.sha256(record['content'].encode()).hexdigest()[:12]}.{zone.name}"
            yield _line(record["name"], _ttl(record, automatic), "MX", f"{record['priority']} {hidden}.")
            yield from _origins(records, record["content"], hidden, automatic)
        elif record["type"] == "CNAME" and record["name"] == zone.name:
            yield from _origins(records, record["content"], zone.name, automatic)  # flattened at the apex
        else:
            yield _line(record["name"], _ttl(record, automatic), record["type"], _rdata(record))


def _origins(records: Iterable[Record], target: str, name: str, automatic: int) -> Iterator[str]:
    for record in records:
        if record["name"] == target and record["type"] in PROXY:
            yield _line(name, _ttl(record, automatic), record["type"], record["content"])


def _line(name: str, ttl: int, kind: str, rdata: str) -> str:
    return f"{name}. {ttl} IN {kind} {rdata}"


def _ttl(record: Record, automatic: int) -> int:
    return automatic if record["ttl"] == 1 else int(record["ttl"])


def _rdata(record: Record) -> str:
    kind, content = record["type"], record["content"]
    if kind == "MX":
        return f"{record['priority']} {content.rstrip('.')}."
    if kind in ("CNAME", "NS", "PTR"):
        return f"{content}."
    if kind == "TXT":
        strings = quoted_strings(text_value(content))
        return "".join(
            c if c.isascii() else "".join(f"\\{octet:03d}" for octet in c.encode()) for c in strings
        )
    if kind == "SRV":
        return f"{record.get('data', {}).get('priority', 0)} {content.rstrip('.')}."
    return str(content)
