"""What was found of a domain: as lines for people, and as JSON for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dns.check import judge_reports
from dns.check.findings import Finding, Group, exit_code
from dns.terminal.colour import MAGENTA, RED, YELLOW, painted
from dns.world.greeting import READY
from dns.world.seen import AddressSeen, Seen

_TITLES: Mapping[Group, tuple[str, int]] = {
    Group.REQUIRED: ("required, but missing or wrong", RED),
    Group.UNKNOWN: ("required, but could not be determined", MAGENTA),
    Group.ADVISED: ("advised", YELLOW),
}


def lines(seen: Seen, findings: Sequence[Finding], *, colour: bool = False) -> list[str]:
    """A line that sums up, then every finding with its fix, by group, then remarks."""
    text = [summary(seen, findings)]
    for group in Group:
        members = [finding for finding in findings if finding.group is group]
        if members:
            title, code = _TITLES[group]
            text.append(painted(f"{title}:", code, colour=colour))
        for finding in members:
            text += [f"  {finding.problem}", f"    -> {finding.fix}"]
    return [*text, *remarks(seen)]


def summary(seen: Seen, findings: Sequence[Finding]) -> str:
    """How many findings there are, and how many servers have answered."""
    count = {group: sum(finding.group is group for finding in findings) for group in Group}
    if count[Group.REQUIRED]:
        state = f"{count[Group.REQUIRED]} of what is required does not hold"
    elif count[Group.UNKNOWN]:
        state = f"{count[Group.UNKNOWN]} of what is required could not be determined"
    else:
        state = "all that is required holds"
    heard = (
        f"{_count(sum(one.answered for one in seen.servers), len(seen.servers))} nameserver addresses",
        f"{_count(sum(one.answered for one in seen.resolvers), len(seen.resolvers))} resolvers",
        f"port 25 of {_count(sum(map(_greeted, seen.addresses)), len(seen.addresses))} addresses",
    )
    return f"{seen.domain}: {state} (answered: {', '.join(heard)})"


def _count(count: int, asked: int) -> str:
    return f"{count}" if count == asked else f"{count} of {asked}"


def _greeted(place: AddressSeen) -> bool:
    return place.greeting is not None and not place.greeting.failure


def remarks(seen: Seen) -> list[str]:
    """What this machine could not see, and what is not needed for the findings."""
    said: list[str] = []
    unseen = [str(server) for server in seen.without_route]
    unseen += [f"{place.hostname} ({place.address})" for place in seen.addresses if place.greeting is None]
    if unseen:
        said.append(f"not asked, because there is no route from here: {', '.join(unseen)}")
    silent = [one.server.address for one in seen.resolvers if not one.answered]
    if silent:
        said.append(f"no answer came from resolvers: {', '.join(silent)}")
    said += [
        f'{host.hostname} has TLSA records, and no domain of its zone has "dane": they are not ours, and no '
        "rekey waits for them"
        for host in seen.hosts
        if any(answer.values for answer in host.tlsa) and not host.dane
    ]
    said += [
        f"{host.hostname}: whether its next key is published was not compared, because {host.keys.unread}"
        for host in seen.hosts
        if host.keys and host.keys.unread
    ]
    lost = [p.address for p in seen.addresses if seen.delegation is None or not p.reverse_is_known]
    if lost:
        said.append(f"reverse DNS could not be looked up: {', '.join(lost)}")
    return [*said, *judge_reports.remarks(seen)]


def to_json(seen: Seen, findings: Sequence[Finding]) -> dict[str, object]:
    """The findings and what they are based on, as an object for JSON."""
    return {
        "domain": seen.domain,
        "zone": seen.zone,
        "exit_code": exit_code(findings),
        **{
            group.value: [finding.to_json() for finding in findings if finding.group is group]
            for group in Group
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
                "starttls": bool(
                    place.greeting and place.greeting.code == READY and place.greeting.tls == ""
                ),
                "reverse": sorted(place.pointers or ()),
            }
            for place in seen.addresses
        ],
        "remarks": remarks(seen),
    }
