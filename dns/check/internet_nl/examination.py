"""Judging every point: TLS is asked for at each address that the look from outside has reached."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from dns.check.internet_nl import dialogue, judge_certificate, judge_names, judge_tls, sessions
from dns.check.internet_nl.dialogue import NoAnswer, Place
from dns.check.internet_nl.hello import Version
from dns.check.internet_nl.judge_certificate import Problem
from dns.check.internet_nl.judge_tls import Probed, is_reached
from dns.check.internet_nl.points import Point
from dns.check.internet_nl.scan import scan
from dns.mta_sts.certificates import problem_with
from dns.world import signed
from dns.world.answers import Answer
from dns.world.seen import AddressSeen, HostSeen, Seen
from dns.world.signed import Signed
from dns.world.vantage import VantagePoint

THREADS = 8


def accepted_now(hostname: str, chain: tuple[str, ...], now: datetime) -> str:
    """What a sender finds wrong with the chain now, whenever it may end. Raises SyncError."""
    return problem_with(hostname, chain, now, days=0)


def examine(seen: Seen, vantage: VantagePoint, *, problem: Problem = accepted_now) -> list[Point]:
    """Return every point of the test, in its order.

    Some 30 connections are made to port 25 of each address, one after the other. No mail is sent.
    """
    reached = [place for place in seen.addresses if is_reached(place)]
    with ThreadPoolExecutor(THREADS) as pool:
        probes = pool.map(lambda place: probe(place, vantage), reached)
        zones = pool.map(lambda host: _zone(host, seen, vantage), seen.hosts)
        caa = pool.map(lambda host: look_up_caa(host.hostname, vantage), seen.hosts)
        probed = list(probes)
        zone_of = {host.hostname: zone for host, zone in zip(seen.hosts, zones, strict=True)}
        caa_of = {host.hostname: answer for host, answer in zip(seen.hosts, caa, strict=True)}
    return [
        *judge_names.ipv6(seen),
        *judge_names.dnssec(seen, zone_of),
        *judge_tls.points(seen, probed),
        *judge_certificate.points(seen, caa_of, problem, datetime.now(UTC)),
        *judge_names.dane(seen, zone_of),
    ]


def probe(place: AddressSeen, vantage: VantagePoint) -> Probed:
    """Ask for TLS at an address of a mail host that greets there."""
    where = Place(place.hostname, place.address, vantage.smtp_port, vantage.smtp_seconds)
    found = Probed(place)
    if place.greeting is None or place.greeting.tls is None:
        return found  # it does not offer STARTTLS
    found.offered = scan(lambda hello: dialogue.ask(where, hello), place.hostname)
    if Version.TLS_1_2 in found.offered.suites:
        found.renegotiations = _told("renegotiations", sessions.renegotiations, where, found)
    if Version.TLS_1_3 in found.offered.suites:
        found.early_data = _told("early_data", sessions.early_data, where, found)
    return found


def _told(name: str, ask: Callable[[Place], int], where: Place, found: Probed) -> int | None:
    try:
        return ask(where)
    except NoAnswer as error:
        found.unknown[name] = str(error)
        return None


def _zone(host: HostSeen, seen: Seen, vantage: VantagePoint) -> Signed | None:
    """Whether the zone of the mail host is signed."""
    if host.signed is not None:
        return host.signed
    if seen.lost:
        return None
    return seen.signed if host.in_zone else signed.look_around(host.hostname, vantage)


def look_up_caa(hostname: str, vantage: VantagePoint) -> Answer:
    """What is answered for CAA at the name, or at the closest name above it that has any (RFC 8659, 3)."""
    name, answer = hostname, vantage.resolve(hostname, "CAA")
    while answer.exists is False and "." in name:
        name = name.partition(".")[2]
        answer = vantage.resolve(name, "CAA")
    return answer
