"""The path of a message up to the host, as links: what the DNS says, and whether packets arrive. Pure.

`dns.check` judges what is seen of the DNS. Here its findings are put in the order in which a message meets
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dns.check import judge_dane
from dns.check.findings import ELSEWHERE, Finding, required
from dns.names import ip_version
from dns.world.greeting import Greeting
from dns.world.seen import AddressSeen, Seen
from receiver.doctor.links import Link

IN_THE_DNS = ("delegation", "zone", "MX", "address", "proxied")
FROM_ELSEWHERE = "look from another place: python -m first_mail.doctor --from HOST"
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
    "address": "address",
    "addresses": "address",
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
    """The links from the delegation to the address. One that is unknown is neither broken nor whole."""
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
            yield Link(name, unknown[name].problem, look=unknown[name].fix)
        else:
            yield _seen_link(name, domain, seen)


def _seen_link(name: str, domain: str, seen: Seen) -> Link:
    """The link if no finding is about it. It holds only if what it is about was really seen."""
    if name == "delegation":
        if seen.delegation is None:
            return Link(name, f"it could not be followed from here: {seen.lost}", look=ELSEWHERE)
        return Link(name, f"{seen.zone} is delegated to {', '.join(seen.delegation.nameservers)}")
    answering = [one for one in seen.servers if one.answered]
    if name == "zone":
        if not answering:
            return Link(name, f"no nameserver of {seen.zone} was asked from here", look=ELSEWHERE)
        return Link(name, f"{len(answering)} nameserver addresses answer for {seen.zone}")
    if name == "MX":
        if not answering and not any(one.answered for one in seen.resolvers):
            return Link(name, f"nobody answered for the MX of {domain}", look=ELSEWHERE)
        (mx,) = (expected for expected in seen.expected if expected.type == "MX")
        return Link(name, f"{domain} MX {', '.join(sorted(mx.values))}")
    silent = [host.hostname for host in seen.hosts if not host.addresses]
    if silent or not seen.hosts:
        where = silent[0] if silent else f"a mail host of {domain}"
        return Link(name, f"no address of {where} was seen", look=ELSEWHERE)
    if name == "address":
        if unsure := [host.hostname for host in seen.hosts if host.ipv4 is None or host.ipv6 is None]:
            look = "set public_ipv4 and public_ipv6 in the inventory, or let ssh reach the host"
            return Link(name, f"what the addresses of {unsure[0]} should be is not known", look=look)
        addresses = (f"{host.hostname} {', '.join(sorted(host.addresses))}" for host in seen.hosts)
        return Link(name, "; ".join(addresses))
    return Link(name, "the addresses are the hosts' own")


def dane(seen: Seen, hostname: str, greetings: Mapping[str, Greeting]) -> Link:
    """Whether the key that the host serves is one of its TLSA records (RFC 7672), from the vantage point.

    A host without such records, or in a zone that is not signed, gets its mail all the same.
    """
    (host,) = (each for each in seen.hosts if each.hostname == hostname)
    signed = host.signed
    if signed is None or signed.secure is None or not any(not answer.failure() for answer in host.tlsa):
        why = f" ({signed.zone} {signed.reason})" if signed and signed.reason else ""
        return Link("DANE", f"which keys of {hostname} are published cannot be told{why}", look=ELSEWHERE)
    found = judge_dane.records(host)
    if not signed.secure or not found:
        why = "it has no TLSA records" if signed.secure else f"{signed.zone} {signed.reason}"
        return Link("DANE", f"senders take any key of {hostname}, because {why}")
    places = [AddressSeen(hostname, address, greeting) for address, greeting in greetings.items()]
    judged = {place.address: judge_dane.fits(place, found) for place in places}
    if wrong := [address for address, fits in judged.items() if fits is False]:
        what = f"{', '.join(wrong)} serves a key that no TLSA record of {hostname} names"
        evidence = f"{what}, so senders that do DANE defer their mail"
        return Link("DANE", evidence, f"python -m dns.sync {seen.domain}")
    if good := [address for address, fits in judged.items() if fits]:
        return Link("DANE", f"the key at {', '.join(good)} is one of {len(found)} TLSA records")
    return Link("DANE", f"the key that {hostname} serves cannot be seen from here", look=FROM_ELSEWHERE)


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
        return Link("packet", "; ".join(unknown), look=FROM_ELSEWHERE)
    counted = ", ".join(f"IPv{version}: {count}" for version, count in sorted(attempts.items()))
    return Link("packet", f"connection attempts reach the host ({counted})")


def past_the_filter(
    greetings: Mapping[str, Greeting], attempts: Mapping[int, int], vantage: str, *, listens: bool = True
) -> Link:
    """Whether the host lets in the packets that arrive.

    If it does not, and no rule that the host's doctor knows is the cause, another rule drops or rejects them.
    A refusal by a host on which port 25 `listens` is the firewall's, too.
    """
    for address, greeting in greetings.items():
        count = attempts.get(ip_version(address))
        if not count:
            continue
        what = "no answer left" if greeting.failure in ("timeout", "unreachable") else ""
        if greeting.failure == "refused" and listens:
            what = "the host refused them, though port 25 listens"
        if what:
            evidence = (
                f"{count} packets from outside reached the host for {address} port 25, and {what}: "
                "a rule on the host drops, rejects or forwards them"
            )
            fix = (
                "nft list ruleset | grep -nE 'drop|reject|dnat|redirect', and remove that rule now and from "
                "the file that loads it; rules of iptables-legacy: iptables-legacy-save"
            )
            return Link("packet filter", evidence, fix)
    unseen = [address for address, greeting in greetings.items() if not greeting.came_back]
    if unseen or not greetings:
        evidence = f"{vantage} cannot reach {', '.join(unseen) or 'any address'}, so no packet was judged"
        return Link("packet filter", evidence, look=FROM_ELSEWHERE)
    return Link("packet filter", f"answers leave for {vantage}")


def from_outside(
    greetings: Mapping[str, Greeting], attempts: Mapping[int, int], hostname: str, vantage: str
) -> Link:
    """Whether it is this host that answers at each address, and its STARTTLS works, seen from outside."""
    for address, greeting in greetings.items():
        fix = f"forward 25/tcp of {address} to the host, or correct the address in the inventory"
        if attempts.get(ip_version(address)):  # the packets came here, so nobody else answered in our place
            fix = "nft list ruleset | grep -nE 'dnat|redirect|tproxy', and remove that rule"
        if greeting.failure in ("refused", "silent"):
            what = "refuses connections" if greeting.failure == "refused" else "sends no greeting"
            where = "another machine is there"
            if attempts.get(ip_version(address)):
                where = "the host hands the connection to something else"
            evidence = f"{address} port 25 {what}, though the service on the host answers: {where}"
            return Link("outside", evidence, fix)
        if not greeting.failure and not greeting.is_by(hostname):
            evidence = f"{address} port 25 greets {greeting.code} {greeting.text!r}, not as {hostname}"
            return Link("outside", evidence, fix)
        if not greeting.failure and greeting.tls:
            evidence = f"{address}: STARTTLS fails from outside ({greeting.tls}), and not on the host"
            return Link("outside", evidence, "remove what stands in between, for example an SMTP proxy")
    fine = [address for address, greeting in greetings.items() if not greeting.failure]
    unseen = [address for address in greetings if address not in fine]
    if unseen or not fine:
        seen = f"it is greeted at {', '.join(fine)} alone" if fine else "it is greeted nowhere"
        evidence = f"{vantage} cannot see {', '.join(unseen) or 'any address'}: {seen}"
        return Link("outside", evidence, look=FROM_ELSEWHERE)
    return Link("outside", f"{vantage} is greeted at {', '.join(fine)}")
