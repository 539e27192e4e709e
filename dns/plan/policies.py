"""Policies of somebody else's that stand where ours are to: which stay, and which ours would change. Pure.

SPF (RFC 7208), DMARC (RFC 7489) and TLSRPT (RFC 8460) count one record at a name, so another's stays and
ours is kept back. CAA (RFC 8659) counts all records at the nearest name that has any: what one of them
allows is allowed, so ours beside a stricter one opens what that one closed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from dns.names import is_within
from dns.records import Record, ZoneRecord, joined


def foreign_policy(wanted: Record, others: Iterable[Record], aliases: Mapping[str, Record]) -> Record | None:
    """The record of ``others`` in whose place this SPF, DMARC or TLSRPT is, also one behind an alias."""
    if wanted.type != "TXT":
        return None
    version = wanted.content.split(";")[0].split()[0].lower()
    for record in others:
        if (record.type, record.name) == ("TXT", wanted.name) and record.content.lower().startswith(version):
            return record
    return aliases.get(wanted.name)


def opened(
    wanted: Iterable[Record], foreign: Iterable[ZoneRecord], zone: str, new: Collection[Record]
) -> Iterator[str]:
    """What our CAA opens that other CAA closed, in words.

    ``foreign`` are records that are not ours; ``new`` are ours that are not there yet: that another
    authority may issue too is said once, when it comes to be so.
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
                f"{record.shown}: is not ours and stays, but no longer counts for {name}, where ours "
                f"({allowed}) stands now"
            )
        elif not issuer:
            yield f"{record.shown}: is not ours and stays, but no longer keeps {allowed} from issuing"
        elif parameters and any(_issuer(own) == (issuer, "") for own in ours):
            yield (
                f"{record.shown}: is not ours and stays, but ours beside it lets {issuer} issue without "
                f"{parameters}"
            )
        elif any(own in new and _issuer(own)[0] != issuer for own in ours):
            yield (
                f"{record.shown}: is not ours and stays, but {issuer} is not alone any more: so may {allowed}"
            )


def _nearest(name: str, zone: str, names: set[str]) -> str | None:
    """The name itself or the nearest above it in the zone that has a CAA (RFC 8659, section 3)."""
    while is_within(name, zone):
        if name in names:
            return name
        name = name.partition(".")[2]
    return None


def _tag(record: Record) -> str:
    return record.content.split(" ")[1:2][0] if " " in record.content else ""


def _issuer(record: Record) -> tuple[str, str]:
    """The authority that may issue (none: nobody may), and the parameters that bind it."""
    value = joined(record.content.split(" ", 2)[2])
    issuer, _, parameters = value.partition(";")
    return issuer.strip().lower(), parameters.strip()
