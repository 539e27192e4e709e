"""The points about IPv6, DNSSEC and DANE, from what nameservers answered and addresses served. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dns import tlsa
from dns.check import judge_dane
from dns.check.internet_nl.judge_tls import LATE, is_reached, unreached
from dns.check.internet_nl.points import Point, Verdict, fails, holds, phase_out, point, unknown
from dns.world.answers import BOGUS
from dns.world.seen import AddressSeen, HostSeen, Seen
from dns.world.signed import Signed

NAME_SERVERS = 2  # with an IPv6 address that the test asks for
SECOND_ADDRESS = "give the mail host an IPv6 address (public_ipv6)"
DANE = 'set "dane": True for the domain, and the DS at the registrar'


def ipv6(seen: Seen) -> Iterator[Point]:
    """The points about IPv6."""
    yield point("ipv6_ns_address", [_name_server_addresses(seen)])
    yield point("ipv6_ns_reach", _name_servers_reached(seen))
    yield point("ipv6_mx_address", [*map(_host_address, seen.hosts), *_foreign(seen)])
    yield point("ipv6_mx_reach", [*_hosts_reached(seen), *_foreign(seen)])


def _name_server_addresses(seen: Seen) -> Verdict:
    found = {one.server.name for one in seen.servers if one.server.version == 6}
    found |= {server.name for server in seen.without_route if server.version == 6}
    if len(found) >= NAME_SERVERS:
        return holds(f"{len(found)} name servers have one")
    if seen.unlocated or seen.delegation is None:
        reason = seen.unlocated[0][1] if seen.unlocated else seen.lost
        return unknown(f"{seen.zone}: not all name servers could be looked up ({reason})", LATE)
    fix = "use name servers that have IPv6, as Cloudflare's do"
    if found:
        return phase_out(f"{seen.zone}: only {next(iter(found))} has an IPv6 address", fix)
    return fails(f"{seen.zone}: no name server has an IPv6 address", fix)


def _name_servers_reached(seen: Seen) -> Iterator[Verdict]:
    asked = [one for one in seen.servers if one.server.version == 6]
    fix = "ask whoever runs the name servers"
    silent = [str(one.server) for one in asked if not one.answered]
    if silent and len(silent) == len(asked):
        yield unknown(f"{', '.join(silent)}: no answer over IPv6, which this network may not lead anywhere")
    elif silent:
        yield fails(f"{', '.join(silent)}: does not answer", fix)
    elif asked:
        yield holds("all answer")
    lost = [str(server) for server in seen.without_route if server.version == 6]
    if lost:
        yield unknown(f"{', '.join(lost)}: there is no route from here")
    elif not asked:
        yield _name_server_addresses(seen)


def _host_address(host: HostSeen) -> Verdict:
    if host.aaaa.values:
        return holds("all have one")
    if host.aaaa.exists is None:
        return unknown(f"{host.hostname} AAAA: {host.aaaa.failure(authoritative=False)}", LATE)
    return fails(f"{host.hostname}: has no IPv6 address", SECOND_ADDRESS)


def _hosts_reached(seen: Seen) -> Iterator[Verdict]:
    for host in seen.hosts:
        places = [p for p in seen.addresses if p.hostname == host.hostname and p.version == 6]
        for place in places:
            yield _reached(place, seen)
        if not places:
            yield replace(_host_address(host), fix=SECOND_ADDRESS)


def _reached(place: AddressSeen, seen: Seen) -> Verdict:
    where = f"{place.hostname} ({place.address}) port 25"
    if place.greeting is None or place.greeting.failure == "no route":
        return unknown(f"{where}: there is no route from here")
    if not place.greeting.failure:
        return holds("all answer")
    if 6 not in seen.outbound_25:
        return unknown(f"{where}: no answer, and this network reaches nobody's port 25 over IPv6")
    return fails(f"{where}: {place.greeting.failure}", "see what is required above")


def _foreign(seen: Seen) -> Iterator[Verdict]:
    """A verdict on each mail server that nameservers answer and the inventory does not have."""
    ours = {host.hostname for host in seen.hosts}
    answers = [one.answers.get((seen.domain, "MX")) for one in seen.servers]
    values = {value for answer in answers if answer and not answer.failure() for value in answer.values}
    for target in sorted({value.partition(" ")[2] for value in values} - ours):
        yield unknown(f"MX {target}: is not of the inventory, and was not looked at", "see above")


def dnssec(seen: Seen, zones: Mapping[str, Signed | None]) -> Iterator[Point]:
    """The points about DNSSEC. `zones` has the state of each mail host's zone."""
    bogus = sorted(
        one.server.address
        for one in seen.resolvers
        if any(answer.status == BOGUS for answer in one.answers.values())
    )
    own = seen.signed
    yield point("dnssec_mailto_exist", [_exists(seen.domain, own)])
    yield point("dnssec_mailto_valid", [_valid(seen.domain, own, bogus)])
    hosts = [(host.hostname, zones.get(host.hostname)) for host in seen.hosts]
    yield point("dnssec_mx_exist", [*(_exists(name, zone) for name, zone in hosts), *_foreign(seen)])
    yield point("dnssec_mx_valid", [*(_valid(name, zone, bogus) for name, zone in hosts), *_foreign(seen)])


def _exists(name: str, zone: Signed | None) -> Verdict:
    if zone is None or zone.secure is None:
        return unknown(_reason(name, zone), LATE)
    if zone.secure or zone.has_ds:
        return holds("a DS at the registry")
    return fails(_reason(name, zone), 'set "dane": True, and the DS at the registrar')


def _valid(name: str, zone: Signed | None, bogus: list[str]) -> Verdict:
    if zone is None or zone.secure is None:
        return unknown(_reason(name, zone), LATE)
    fix = "see what is required above"
    if not zone.secure:
        return fails(_reason(name, zone), fix if zone.has_ds else 'set "dane": True')
    if bogus:
        return fails(f"{name}: {', '.join(bogus)} refuses the signatures", fix)
    return holds("the DS fits the keys, and no resolver refuses")


def _reason(name: str, zone: Signed | None) -> str:
    return f"{zone.zone}: {zone.reason}" if zone else f"{name}: its zone could not be looked at"


def dane(seen: Seen, zones: Mapping[str, Signed | None]) -> Iterator[Point]:
    """The points about DANE."""
    known = {host.hostname: _records(host, zones.get(host.hostname)) for host in seen.hosts}
    yield point("starttls_dane_exist", [*(said for _, said in known.values()), *_foreign(seen)])
    found = {name: texts for name, (texts, _) in known.items()}
    yield point("starttls_dane_valid", [*_dane_valid(seen, found), *_foreign(seen)])
    yield point("starttls_dane_rollover", [_rollover(name, texts) for name, texts in found.items()])


def _records(host: HostSeen, zone: Signed | None) -> tuple[frozenset[str] | None, Verdict]:
    """The TLSA that a sender of mail uses, or None if that is not known; and whether there are any."""
    name = tlsa.name_of(host.hostname)
    if not host.tlsa or all(answer.failure() for answer in host.tlsa):
        reason = host.tlsa[0].failure() if host.tlsa else "no name server could be asked"
        return None, unknown(f"{name} TLSA: {reason}", LATE)
    found = frozenset(text for text in judge_dane.records(host) if text[:1] in ("2", "3"))
    if not found:
        return found, fails(f"{host.hostname}: has no TLSA", DANE)
    if zone is None or zone.secure is None:
        return None, unknown(_reason(host.hostname, zone), LATE)
    if not zone.secure:
        return frozenset(), fails(f"{name} TLSA: has no effect, because {zone.zone} {zone.reason}", DANE)
    return found, holds(f"{len(found)} records")


def _dane_valid(seen: Seen, found: Mapping[str, frozenset[str] | None]) -> Iterator[Verdict]:
    for name, texts in found.items():
        if texts is None:
            yield unknown(f"{name}: its TLSA could not be looked up", LATE)
        elif not texts:
            yield fails(f"{name}: has no TLSA that counts", DANE)
    for place in seen.addresses:
        texts = found.get(place.hostname)
        if texts and is_reached(place):
            yield _fits(place, texts)
    yield from (each for each in unreached(seen) if any(found.values()))


def _fits(place: AddressSeen, texts: frozenset[str]) -> Verdict:
    where = f"{place.hostname} ({place.address})"
    fits = judge_dane.fits(place, texts)
    if fits or (fits is None and any(_is_issuer(place, text) for text in texts)):
        return holds("the key that is served")
    if place.greeting is None or not place.greeting.certificate:
        return unknown(f"{where}: no certificate was seen", LATE)
    return fails(f"{where}: serves a key that no TLSA names", "python -m dns.sync, for the domain")


def _is_issuer(place: AddressSeen, text: str) -> bool:
    """Whether the record names a certificate that is served as an authority's (DANE-TA, RFC 7671, 5.2)."""
    words = text.split(" ")
    chain = place.greeting.chain[1:] if place.greeting else ()
    if len(words) != 4 or words[0] != "2":
        return False
    for each in map(base64.b64decode, chain):
        chosen = {"0": hashlib.sha256(each).hexdigest(), "1": tlsa.key_digest(each)}.get(words[1])
        if words[2] == "1" and chosen == words[3]:
            return True
    return False


def _rollover(name: str, texts: frozenset[str] | None) -> Verdict:
    if texts is None:
        return unknown(f"{name}: its TLSA could not be looked up", LATE)
    own = sum(text.startswith("3") for text in texts)
    if own > 1 or (own and any(text.startswith("2") for text in texts)):
        return holds("a record for the key in use, and another one")
    return fails(f"{name}: has no second TLSA beside that of the key in use", DANE)
