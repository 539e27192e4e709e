"""What is wrong with DANE: the TLSA of mail hosts, and the keys that they serve (RFC 7672). Pure.

A sender that does DANE defers its mail if no TLSA record fits the key that it meets. Without TLSA, and in a
zone that is not signed, it delivers as others do. So a right record is required if there is any, and none is
required to be there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from dns import tlsa
from dns.check.findings import ELSEWHERE, Finding, advised, required, unknown
from dns.world.seen import AddressSeen, HostSeen, Seen


def judge(seen: Seen) -> Iterator[Finding]:
    """The findings about DANE."""
    if seen.delegation is None:
        return  # then nothing is known of any zone
    if seen.dane and seen.signed and seen.signed.secure is False and not seen.ds_to_set:
        yield advised(
            "dane-unsigned",
            f"{seen.zone}: {seen.signed.reason}, so senders do no DANE for {seen.domain}",
            f"python -m dns.sync {seen.domain}, and what it says of the registrar",
        )
    for host in seen.hosts:
        yield from _host(host, seen)


def records(host: HostSeen) -> frozenset[str]:
    """The TLSA of the host, as its nameservers answer them."""
    return frozenset(text for answer in host.tlsa if not answer.failure() for text in answer.values)


def fits(place: AddressSeen, found: frozenset[str]) -> bool | None:
    """Whether one of the records fits what the address serves. None if that cannot be told from here."""
    greeting = place.greeting
    if greeting is None or not greeting.certificate or not greeting.is_by(place.hostname):
        return None
    certificate = base64.b64decode(greeting.certificate)
    try:
        said = [tlsa.matches(text, certificate) for text in found]
    except ValueError:  # it is no certificate that can be read here
        return None
    return True if any(said) else None if None in said else False


def _host(host: HostSeen, seen: Seen) -> Iterator[Finding]:
    name, found = tlsa.name_of(host.hostname), records(host)
    sync = f"python -m dns.sync {seen.domain}"
    if host.tlsa and all(answer.failure() for answer in host.tlsa):
        if host.dane:
            problem = f"{name} TLSA: no nameserver answers for it ({host.tlsa[0].failure()})"
            yield unknown("tlsa", problem, ELSEWHERE, name, tlsa.TYPE)
        return
    if not found:
        if host.dane and host.tlsa and host.signed and host.signed.secure:
            problem = f"{name}. TLSA: is missing, so senders cannot verify the host"
            yield advised("tlsa-missing", problem, sync, name, tlsa.TYPE)
        return
    signed = host.signed
    if signed is not None and signed.secure is False:
        problem = f"{name}. TLSA: has no effect, because {signed.zone} {signed.reason}"
        yield advised("tlsa-unsigned", problem, "sign the zone, or leave it", name, tlsa.TYPE)
        return
    wrong = [
        place for place in seen.addresses if place.hostname == host.hostname and fits(place, found) is False
    ]
    if wrong:
        where = ", ".join(place.address for place in wrong)
        problem = (
            f"{host.hostname} ({where}) port 25: serves a key that none of its {len(found)} TLSA records "
            "names, so senders that do DANE defer its mail"
        )
        fix = sync if host.dane else f"delete the TLSA records at {name}, or put right ones there"
        group = required if signed is not None and signed.secure else unknown
        yield group("tlsa", problem, fix, name, tlsa.TYPE)
    if host.dane and not wrong:
        yield from _incomplete(host, name, sync)


def _incomplete(host: HostSeen, name: str, sync: str) -> Iterator[Finding]:
    """Whether every nameserver has both keys. Without the next one the host cannot leave its key."""
    if host.keys is None or host.keys.unread:
        return
    words = {host.keys.current: "current", host.keys.next: "next"}
    for digest, word in words.items():
        if digest and any(
            digest not in tlsa.digests(answer.values) for answer in host.tlsa if not answer.failure()
        ):
            problem = f"{name}. TLSA {tlsa.content(digest)}: is missing (the {word} key of the host)"
            yield advised("tlsa-incomplete", problem, sync, name, tlsa.TYPE)
