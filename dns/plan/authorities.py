"""What our CAA allow that somebody else's CAA forbid, in words (RFC 8659). Pure.

A name may have several CAA, and what one of them allows is allowed. So ours beside a stricter one allow what
that one forbids. If the name has none, those of the nearest name above that has any apply. So ours take the
place of all of those, with whatever else they say: who may issue wildcards, and where refusals are reported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from dns.caa.properties import METHODS, Property, parse
from dns.names import is_within
from dns.records import Record, ZoneRecord


def weakened(
    wanted: Iterable[Record], foreign: Iterable[ZoneRecord], zone: str, new: Collection[Record]
) -> Iterator[str]:
    """Say in words what our CAA allow that somebody else's forbid, name by name.

    `foreign` are records that are not ours. `new` are our records that are not in the zone yet. That another
    authority may issue too, that an alias no longer counts, and that refusals are no longer reported, is said
    only while ours are new.
    """
    ours: dict[str, list[Record]] = {}
    for record in wanted:
        if record.type == "CAA":
            ours.setdefault(record.name, []).append(record)
    held = [each.record for each in foreign]
    others = [record for record in held if record.type == "CAA"]
    aliases = {record.name: record for record in held if record.type == "CNAME"}
    for name, own in ours.items():
        beside = [record for record in others if record.name == name]
        is_new = any(record in new for record in own)
        yield from _beside(own, beside, new)
        if not beside:
            yield from _above(name, own, others, aliases, zone, is_new=is_new)


def _beside(own: Sequence[Record], beside: Sequence[Record], new: Collection[Record]) -> Iterator[str]:
    """Those at the same name, which apply together with ours. Ours say nothing but `issue`."""
    theirs = [(record, one) for record in beside if (one := parse(record.content)).tag == "issue"]
    loose = _loose(own, [one for _, one in theirs])
    if not loose:
        return
    allowed = _issuers(loose)
    for record, one in theirs:
        stays = f"{record.zone_line}: is not ours and stays, but"
        same = next((each for each in loose if each.issuer == one.issuer), None)
        if not one.issuer:
            yield f"{stays} it no longer keeps {allowed} from issuing"
        elif same:
            how = f"with {_parameters(same)}" if same.parameters else f"without {_parameters(one)}"
            yield f"{stays} beside ours {one.issuer} may issue {how}"
        elif any(record in new for record in own):
            yield f"{stays} now {allowed} may issue beside {one.issuer}"


def _above(
    name: str,
    own: Sequence[Record],
    others: Sequence[Record],
    aliases: Mapping[str, Record],
    zone: str,
    *,
    is_new: bool,
) -> Iterator[str]:
    """Those of the nearest name above, which no longer apply to ours."""
    at = name.partition(".")[2]
    while is_within(at, zone):
        there = [record for record in others if record.name == at]
        instead = f"for {name}, which has ours ({_issuers(parse(record.content) for record in own)}) now"
        for record in there:
            one = parse(record.content)
            if _is_lost(one, own, there) and (is_new or one.tag != "iodef"):
                yield f"{record.zone_line}: is not ours and stays, but it no longer counts {instead}"
        alias = aliases.get(at)
        if alias and is_new:
            yield (
                f"{alias.zone_line}: is not ours and stays, but if {alias.content} has CAA records, they no "
                f"longer count {instead}"
            )
        if there or alias:
            return
        at = at.partition(".")[2]


def _is_lost(one: Property, own: Sequence[Record], there: Sequence[Record]) -> bool:
    """Whether the property says something that ours do not say as strictly."""
    if one.tag in ("issue", "issuewild"):
        # Without an issuewild, ours say who may issue wildcards too (RFC 8659, section 4.3).
        same = [other for record in there if (other := parse(record.content)).tag == one.tag]
        return bool(_loose(own, same))
    return one.tag in ("iodef", "issuemail", "issuevmc") or one.is_critical


def _loose(own: Iterable[Record], theirs: Sequence[Property]) -> list[Property]:
    """Those of ours that allow what none of theirs allows. None if they restrict nothing."""
    ours = [parse(record.content) for record in own]
    return [each for each in ours if theirs and not any(_covers(one, each) for one in theirs)]


def _covers(theirs: Property, ours: Property) -> bool:
    """Whether all that ours allows is allowed by theirs."""
    return theirs.issuer == ours.issuer and all(
        _is_within_methods(ours.named(key), value) if key == METHODS else ours.named(key) == (value,)
        for key, value in theirs.parameters
    )


def _is_within_methods(ours: Sequence[str], theirs: str) -> bool:
    return len(ours) == 1 and set(ours[0].split(",")) <= set(theirs.split(","))


def _parameters(one: Property) -> str:
    return "; ".join(f"{key}={value}" for key, value in one.parameters)


def _issuers(properties: Iterable[Property]) -> str:
    return ", ".join(dict.fromkeys(each.issuer for each in properties if each.issuer))
