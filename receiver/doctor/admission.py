"""Whether the settings of firewalld admit 25/tcp, and what in them refuses it. Pure.

firewalld judges a packet in this order (firewalld.policies(5), firewalld.richlanguage(5)): policies of
negative priority, then the zone. In both, rules that refuse come before what admits.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

PORT, PROTOCOL = 25, "tcp"
REFUSING = ("DROP", "REJECT", "%%REJECT%%")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a zone or a policy of firewalld says. `ports` includes the ports of its services."""

    target: str = "default"
    ports: tuple[tuple[str, str], ...] = ()
    has_smtp: bool = False
    rich_rules: tuple[str, ...] = ()
    forwards: tuple[tuple[str, ...], ...] = ()
    """Port, protocol, port to forward to, address to forward to."""
    ingress: tuple[str, ...] = ()
    egress: tuple[str, ...] = ()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that keeps mail out: what it is, and the option of firewall-cmd(1) that removes it."""

    what: str
    option: str


def admits(settings: Settings) -> bool:
    """Whether 25/tcp is open for everybody."""
    if settings.target == "ACCEPT" or any(_is_smtp(*each) for each in settings.ports):
        return True
    return any(
        _action(rule) == "accept" and _is_about_smtp(rule) and not _source(rule)
        for rule in settings.rich_rules
    )


def refusals(settings: Settings, peers: Collection[str]) -> Iterator[Refusal]:
    """What refuses or leads away 25/tcp of everybody, or of one of `peers`, before anything admits it."""
    for forward in settings.forwards:
        port, protocol, to_port, to_address = (*forward, "", "")[:4]
        if _is_smtp(port, protocol):
            value = f"port={port}:proto={protocol}:toport={to_port}:toaddr={to_address}"
            to = f"{to_address or 'this host'} port {to_port or port}"
            yield Refusal(f"25/tcp is forwarded to {to}", f"--remove-forward-port={value}")
    for rule in settings.rich_rules:
        forwards = " forward-port " in rule and _is_about_smtp(rule)
        refuses = _action(rule) in ("drop", "reject") and _is_about_smtp(rule)
        if (forwards or refuses) and covers(_source(rule), peers):
            yield Refusal(f"the rich rule {rule} takes 25/tcp away", f"--remove-rich-rule='{rule}'")


def applies_first(policy: Settings, zones: Collection[str]) -> bool:
    """Whether a policy judges what comes in from these zones to the host before the zones do."""
    from_here = "ANY" in policy.ingress or bool(set(policy.ingress) & set(zones))
    return policy.priority < 0 and from_here and bool({"HOST", "ANY"} & set(policy.egress))


def covers(source: str, peers: Collection[str]) -> bool:
    """Whether a source of firewalld is everybody (empty, or a network of length 0) or has one of the peers.

    MAC addresses and sets are not judged: they do not cover.
    """
    if not source:
        return True
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False
    if network.prefixlen == 0:
        return True
    return any(ipaddress.ip_address(peer) in network for peer in peers)


def bound_elsewhere(sources: Sequence[str], peers: Collection[str]) -> str:
    """The first of a zone's sources that covers everybody or one of the peers. Empty if there is none."""
    return next((source for source in sources if source and covers(source, peers)), "")


def _is_smtp(port: str, protocol: str) -> bool:
    first, _, last = port.partition("-")
    if not first.isdigit() or not (last or first).isdigit():
        return False
    return protocol == PROTOCOL and int(first) <= PORT <= int(last or first)


def _is_about_smtp(rule: str) -> bool:
    """Whether a rich rule is about 25/tcp. One without a service, port or protocol is about everything."""
    if found := re.search(r'\b(?:forward-)?port port="([^"]+)" protocol="([^"]+)"', rule):
        return _is_smtp(found[1], found[2])
    if found := re.search(r'\bservice name="([^"]+)"', rule):
        return found[1] == "smtp"
    if found := re.search(r'\bprotocol value="([^"]+)"', rule):
        return found[1] in (PROTOCOL, "6")
    return not re.search(r"\b(icmp-block|icmp-type|masquerade|source-port|tcp-mss-clamp)\b", rule)


def _action(rule: str) -> str:
    words = re.sub(r'"[^"]*"', "", rule).split()
    return next((word for word in reversed(words) if word in ("accept", "reject", "drop", "mark")), "")


def _source(rule: str) -> str:
    """The source address of a rich rule. What is negated, a MAC address or a set is returned as it is."""
    found = re.search(r'\bsource (NOT )?(?:address|mac|ipset)="([^"]+)"( invert="true")?', rule)
    if not found:
        return ""
    return f"not {found[2]}" if found[1] or found[3] else found[2]
