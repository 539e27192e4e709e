"""What was found of a domain, for people in two groups, and for programs as JSON. Pure."""

import json
from collections.abc import Sequence

from dns.check.findings import GROUPS, Finding, exit_code
from dns.world.seen import AddressSeen, Seen

_TITLES = {
    "required": "required, but missing or wrong",
    "unknown": "required, and could not be told",
    "advised": "advised",
}
_COLOURS = {"required": 31, "unknown": 35, "advised": 33}


def lines(seen: Seen, findings: Sequence[Finding], *, colour: bool = False) -> list[str]:
    """One line that says how it stands, then every finding with what mends it, by group."""
    text = [summary(seen, findings)]
    for group in GROUPS:
        members = [finding for finding in findings if finding.group == group]
        if members:
            text.append(_painted(f"{_TITLES[group]}:", _COLOURS[group], colour))
        for finding in members:
            text += [f"  {finding.problem}", f"    -> {finding.mend}"]
    return [*text, *remarks(seen)]


def summary(seen: Seen, findings: Sequence[Finding]) -> str:
    """How it stands, and whose answers that rests on."""
    count = {group: sum(finding.group == group for finding in findings) for group in GROUPS}
    if count["required"]:
        state = f"{count['required']} of what is required does not hold"
    elif count["unknown"]:
        state = f"{count['unknown']} of what is required could not be told"
    else:
        state = "all that is required holds"
    heard = (
        f"{_of(sum(one.answered for one in seen.servers), len(seen.servers))} nameserver addresses",
        f"{_of(sum(one.answered for one in seen.resolvers), len(seen.resolvers))} resolvers",
        f"port 25 of {_of(sum(map(_greeted, seen.addresses)), len(seen.addresses))} addresses",
    )
    return f"{seen.domain}: {state} (answered: {', '.join(heard)})"


def _of(count: int, asked: int) -> str:
    return f"{count}" if count == asked else f"{count} of {asked}"


def _greeted(place: AddressSeen) -> bool:
    return place.greeting is not None and not place.greeting.failure


def remarks(seen: Seen) -> list[str]:
    """What this machine could not see, without which it can be told all the same."""
    said: list[str] = []
    unseen = [f"{server.name} ({server.address})" for server in seen.without_route]
    unseen += [f"{place.hostname} ({place.address})" for place in seen.addresses if place.greeting is None]
    if unseen:
        said.append(f"not asked, there is no route from here: {', '.join(unseen)}")
    silent = [one.server.address for one in seen.resolvers if not one.answered]
    if silent:
        said.append(f"no answer came from resolvers: {', '.join(silent)}")
    lost = [p.address for p in seen.addresses if seen.delegation is None or not p.reverse_is_known]
    if lost:
        said.append(f"reverse DNS could not be looked up: {', '.join(lost)}")
    return said


def as_json(seen: Seen, findings: Sequence[Finding]) -> str:
    """The same as one JSON object."""
    return json.dumps(plain(seen, findings), indent=2)


def plain(seen: Seen, findings: Sequence[Finding]) -> dict[str, object]:
    """The findings and what they rest on, as plain values."""
    return {
        "domain": seen.domain,
        "zone": seen.zone,
        "exit_code": exit_code(findings),
        **{
            group: [
                {"code": f.code, "problem": f.problem, "mend": f.mend, "name": f.name, "type": f.type}
                for f in findings
                if f.group == group
            ]
            for group in GROUPS
        },
        "nameservers": [
            {"name": one.server.name, "address": one.server.address, "answered": one.answered}
            for one in seen.servers
        ],
        "resolvers": [one.server.address for one in seen.resolvers if one.answered],
        "mail_hosts": [
            {
                "hostname": place.hostname,
                "address": place.address,
                "greeting": place.greeting and (place.greeting.failure or place.greeting.text),
                "starttls": bool(place.greeting and place.greeting.code == 220 and place.greeting.tls == ""),
                "reverse": sorted(place.pointers or ()),
            }
            for place in seen.addresses
        ],
        "remarks": remarks(seen),
    }


def _painted(text: str, code: int, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
