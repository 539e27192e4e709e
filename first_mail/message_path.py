"""The path of a message up to the host, as links: what the DNS says, and whether packets arrive. Pure.

`dns.check` judges what is seen of the DNS. Here its findings are put in the order in which a message meets
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dns.check.findings import Finding, required
from dns.names import ip_version
from dns.world.greeting import Greeting
from dns.world.seen import Seen
from receiver.doctor.links import Link

IN_THE_DNS = ("delegation", "zone", "MX", "address", "proxied")
_LINK_OF = {
    "delegation": "delegation",
    "nameserver-address": "delegation",
    "glue": "delegation",
    "nameservers": "zone",
    "nameserver-silent": "zone",
    "resolver": "zone",
    "unsigned": "zone",
    "bogus": "zone",
    "ds": "zone",
    "null-mx": "MX",
    "mx-address": "MX",
    "mx-preference": "MX",
    "mx-surplus": "MX",
    "address-surplus": "address",
    "no-address": "address",
    "private": "address",
    "proxied": "proxied",
    "rewritten": "proxied",
}


def link_of(finding: Finding) -> str | None:
    """The link that a finding is about. None if mail arrives without what it is about."""
    if finding.group == "advised":
        return None
    if finding.type and finding.code not in ("proxied", "rewritten"):
        # It is about one record. Mail arrives without TXT and CAA records.
        return {"MX": "MX", "A": "address", "AAAA": "address"}.get(finding.type)
    return _LINK_OF.get(finding.code)


def in_the_dns(domain: str, findings: Iterable[Finding], seen: Seen) -> Iterator[Link]:
    """The links from the delegation to the address. One that is unknown is not broken, and says so."""
    broken: dict[str, Finding] = {}
    unknown: dict[str, Finding] = {}
    for finding in findings:
        if name := link_of(finding):
            (broken if finding.group == "required" else unknown).setdefault(name, finding)
    if seen.delegation is not None and "." not in seen.zone.strip("."):
        # Only the registry, or the root, answers for it, so nobody has been given the domain.
        wanted = " and ".join(seen.own_nameservers) or "those that the zone's page at Cloudflare shows"
        broken = {
            "delegation": required(
                "delegation",
                f"{domain} is not registered, or its registrar names no nameservers for it",
                f"register it, and set its nameservers at the registrar to {wanted}",
            )
        }
    if "proxied" in broken:  # a proxied record hides the address, which is not missing
        broken.pop("address", None)
    for name in IN_THE_DNS:
        if name in broken:
            yield Link(name, broken[name].problem, broken[name].fix)
        elif name in unknown:
            yield Link(name, f"cannot be told: {unknown[name].problem} ({unknown[name].fix})")
        else:
            yield Link(name, _evidence(name, domain, seen))


def _evidence(name: str, domain: str, seen: Seen) -> str:
    if name == "delegation":
        if seen.delegation is None:
            return f"cannot be seen from here: {seen.lost}"
        return f"{seen.zone} is delegated to {', '.join(seen.delegation.nameservers)}"
    if name == "zone":
        return f"{len(seen.servers)} nameserver addresses answer for {seen.zone}"
    if name == "MX":
        (mx,) = (expected for expected in seen.expected if expected.type == "MX")
        return f"{domain} MX {', '.join(sorted(mx.values))}"
    if name == "address":
        return "; ".join(f"{host.hostname} {', '.join(sorted(host.addresses))}" for host in seen.hosts)
    return "the addresses are the hosts' own"


def arrival(
    greetings: Mapping[str, Greeting], attempts: Mapping[int, int], outbound_25: frozenset[int], vantage: str
) -> Link:
    """Whether packets to port 25 reach the host, by its own counter, whatever it then does with them.

    `greetings` says how a connection to each address went from the vantage point. `attempts` is what the host
    counted meanwhile. `outbound_25` are the IP versions over which the vantage point reaches anybody's port
    25.
    """
    unknown = []
    for address, greeting in greetings.items():
        version = ip_version(address)
        if greeting.came_back or attempts.get(version):
            continue
        if greeting.failure == "no route":
            unknown.append(f"{address}: {vantage} has no IPv{version}")
        elif version not in outbound_25:
            unknown.append(f"{address}: {vantage} reaches nobody's port 25, because its own network bars it")
        else:
            evidence = (
                f"{vantage} reaches other hosts' port 25, and no packet to {address} port 25 reached the host"
            )
            fix = f"ask the host's provider to let 25/tcp in to {address} (a filter or security group)"
            return Link("packet", evidence, fix)
    if unknown:
        hint = "look from another place: python -m first_mail.doctor --from HOST"
        return Link("packet", f"cannot be told: {'; '.join(unknown)} ({hint})")
    counted = ", ".join(f"IPv{version}: {count}" for version, count in sorted(attempts.items()))
    return Link("packet", f"connection attempts reach the host ({counted})")


def past_the_filter(greetings: Mapping[str, Greeting], attempts: Mapping[int, int], vantage: str) -> Link:
    """Whether the host answers the packets that arrive and that firewalld lets in.

    If it does not, another rule drops them.
    """
    for address, greeting in greetings.items():
        version = ip_version(address)
        if greeting.failure in ("timeout", "unreachable") and attempts.get(version):
            evidence = (
                f"{attempts[version]} packets from outside reached the host for {address} port 25, "
                "firewalld lets them in, and no answer left: another rule drops them"
            )
            return Link(
                "packet filter", evidence, "nft list ruleset | grep -nE 'drop|reject', and remove that rule"
            )
    return Link("packet filter", f"answers leave for {vantage}")


def from_outside(greetings: Mapping[str, Greeting], hostname: str, vantage: str) -> Link:
    """Whether it is this host that answers at each address, and its STARTTLS works, seen from outside."""
    for address, greeting in greetings.items():
        if greeting.failure in ("refused", "silent"):
            what = "refuses connections" if greeting.failure == "refused" else "sends no greeting"
            return Link(
                "outside",
                f"{address} port 25 {what}, though the host itself answers: another machine is there",
                f"forward 25/tcp of {address} to the host, or correct the address in the inventory",
            )
        if not greeting.failure and not greeting.is_by(hostname):
            return Link(
                "outside",
                f"{address} port 25 greets {greeting.code} {greeting.text!r}, not as {hostname}",
                f"forward 25/tcp of {address} to the host, or correct the address in the inventory",
            )
        if not greeting.failure and greeting.tls:
            evidence = f"{address}: STARTTLS fails from outside ({greeting.tls}), and not on the host"
            return Link("outside", evidence, "remove what stands in between, for example an SMTP proxy")
    fine = [address for address, greeting in greetings.items() if not greeting.failure]
    return Link("outside", f"{vantage} is greeted at {', '.join(fine) or 'no address it can reach'}")
