"""Looking at the CAA records that apply to a mail host (RFC 8659, section 3): its own, or those above."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

from dns.errors import SyncError
from dns.inventory import MailHost
from dns.names import is_within
from dns.world import asking, delegation
from dns.world.answers import Answer
from dns.world.nameservers import Server
from dns.world.seen import CaaSeen, HostSeen
from dns.world.vantage import VantagePoint

TYPE = "CAA"


def with_caa(seen: HostSeen, host: MailHost, vantage: VantagePoint, *, binds: bool) -> HostSeen:
    """The same host with the CAA that each nameserver of its zone answers.

    `binds` is whether a domain asks for CAA at its name. Nothing is asked of a host whose certificate is
    self-signed, because no authority issues it.
    """
    if host.certificate is None or all(answer.silence for answer in (seen.a, seen.aaaa)):
        return seen  # or it would be as silent now
    seen = replace(seen, authority=host.certificate.authority, binds=binds)
    if not seen.servers:
        return seen
    try:
        zone = delegation.find(seen.hostname, vantage.resolver, port=vantage.port).zone
    except SyncError:
        return seen
    return replace(seen, caa=look_at_caa(seen.hostname, zone, seen.servers, vantage))


def look_at_caa(
    name: str, zone: str, servers: Sequence[Server], vantage: VantagePoint
) -> tuple[CaaSeen, ...]:
    """What each server answers up to its zone. The names above that zone are the resolver's to answer."""

    @cache
    def above() -> CaaSeen:
        for at in _upwards(zone.partition(".")[2]):
            answer = vantage.resolve(at, TYPE)
            if answer.values or answer.exists is None:
                return CaaSeen(None, at, answer)
        return CaaSeen(None, "", Answer(authoritative=False))

    def ask(server: Server) -> CaaSeen:
        for at in _upwards(name):
            if not is_within(at, zone):
                break
            answer = asking.ask_again_if_lost(server.address, at, TYPE, port=vantage.port)
            if answer.alias and not answer.values and not answer.failure():
                # The records at the end of the chain apply (section 3), and may be another server's.
                answer = vantage.resolve(at, TYPE)
                if answer.exists is None:
                    return CaaSeen(server, at, answer)
            elif answer.failure():
                return CaaSeen(server, at, answer)
            if answer.values:
                return CaaSeen(server, at, answer)
        return replace(above(), server=server)

    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(pool.map(ask, servers))


def _upwards(name: str) -> Iterator[str]:
    """The name and those above it. The root has no CAA that would count."""
    while name:
        yield name
        name = name.partition(".")[2]
