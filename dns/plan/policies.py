"""Policies of somebody else at our names: SPF, DMARC, TLS reports, CAA, an alias in place of a TLSA. Pure.

A name may have only one record of SPF (RFC 7208), of DMARC (RFC 7489) and of TLSRPT (RFC 8460). If somebody
else's is there, it stays and ours is not published. A name may have several CAA (RFC 8659), and what one of
them allows is allowed. So ours beside a stricter one allows what that one forbids. The nearest name above
that has any CAA counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from dns.names import is_within
from dns.records import Record, ZoneRecord, joined


def foreign_policy(wanted: Record, others: Iterable[Record], aliases: Mapping[str, Record]) -> Record | None:
    """Find the record among `others` or `aliases` that is in the place of this SPF, DMARC, TLSRPT or TLSA.

    Another TLSA is in nobody's place: a sender takes any of them that fits (RFC 7672, section 3.1.1).
    """
    if wanted.type == "TLSA":
        return aliases.get(wanted.name)
    if wanted.type != "TXT":
        return None
    version = wanted.content.split(";")[0].split()[0].lower()
    for record in others:
        if (record.type, record.name) == ("TXT", wanted.name) and record.content.lower().startswith(version):
            return record
    return aliases.get(wanted.name)


def weakened_caa(
    wanted: Iterable[Record], foreign: Iterable[ZoneRecord], zone: str, new: Collection[Record]
) -> Iterator[str]:
    """Say in words what our CAA allows that somebody else's CAA forbids.

    `foreign` are records that are not ours. `new` are our records that are not in the zone yet. That another
    authority may issue too is said only while ours is new.
    """
    ours = [record for record in wanted if record.type == "CAA"]
    if not ours:
        return
    name, allowed = ours[0].name, ", ".join(_issuer(record)[0] for record in ours)
    others = [held.record for held in foreign if held.record.type == "CAA" and _tag(held.record) == "issue"]
    at = _nearest(name, zone, {record.name for record in others})
    for record in others if at else ():
        if record.name != at:
            continue
        issuer, parameters = _issuer(record)
        if at != name:
            yield (
                f"{record.zone_line}: is not ours and stays, but it no longer counts for {name}, which has "
                f"ours ({allowed}) now"
            )
        elif not issuer:
            yield f"{record.zone_line}: is not ours and stays, but it no longer keeps {allowed} from issuing"
        elif parameters and any(_issuer(own) == (issuer, "") for own in ours):
            yield (
                f"{record.zone_line}: is not ours and stays, but beside ours {issuer} may issue without "
                f"{parameters}"
            )
        elif any(own in new and _issuer(own)[0] != issuer for own in ours):
            yield f"{record.zone_line}: is not ours and stays, but now {allowed} may issue beside {issuer}"


def lonely_keys(
    wanted: Iterable[Record], foreign: Iterable[ZoneRecord], going: Iterable[ZoneRecord]
) -> Iterator[str]:
    """Say which TLSA of somebody else stay alone at a name, because ours go.

    While ours stood beside them, it made no difference whether they fit (RFC 7672, section 3.1.1).
    """
    names = {held.record.name for held in going if held.record.type == "TLSA"}
    names -= {record.name for record in wanted if record.type == "TLSA"}
    for held in foreign:
        if held.record.type == "TLSA" and held.record.name in names:
            yield (
                f"{held.record.zone_line}: is not ours and stays: unless the host serves what it names, "
                "senders that do DANE defer its mail"
            )


def _nearest(name: str, zone: str, names: set[str]) -> str | None:
    """The nearest name that has a CAA: the name itself or one above it in the zone (RFC 8659, section 3)."""
    while is_within(name, zone):
        if name in names:
            return name
        name = name.partition(".")[2]
    return None


def _tag(record: Record) -> str:
    return record.content.split(" ")[1:2][0] if " " in record.content else ""


def _issuer(record: Record) -> tuple[str, str]:
    """The authority that may issue (empty: none may), and the parameters that bind it."""
    value = joined(record.content.split(" ", 2)[2])
    issuer, _, parameters = value.partition(";")
    return issuer.strip().lower(), parameters.strip()
