"""Fetching a policy as a sender does: what counts as served, as absent, and as unknown."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dns.cloudflare.zones import Zones
from dns.mta_sts.policy import Policy
from dns.world.policy import fetch
from dns.world.vantage import VantagePoint
from tests.dns.loopback.world import EDGE4, EDGE6, World
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.edge import Edge, EdgeFault, FaultKind

POLICY = Policy("testing", ("mx1.example.test",), 86400)
HOST = "mta-sts.example.test"


@pytest.fixture
def vantage(world: World, edge: Edge) -> VantagePoint:
    return replace(world.vantage, https_port=edge.port)


@pytest.fixture
def published(cloudflare: StandIn) -> None:
    zones = Zones()
    zones.workers.publish(zones.holding("example.test"), "example.test", POLICY.text)


@pytest.mark.usefixtures("published")
def test_a_policy_that_is_served_is_read_to_the_octet(vantage: VantagePoint, edge: Edge) -> None:
    served = fetch("example.test", vantage)
    assert (served.policy, served.text, served.failure, served.absent) == (POLICY, POLICY.text, "", False)
    assert edge.log == [(HOST, "GET", "/.well-known/mta-sts.txt", 200)]


def test_a_name_that_does_not_exist_serves_certainly_nothing(vantage: VantagePoint) -> None:
    served = fetch("example.test", vantage)
    assert (served.absent, served.failure, served.policy) == (True, "", None)


def test_a_domain_that_is_delegated_to_nobody_serves_certainly_nothing(vantage: VantagePoint) -> None:
    assert fetch("nobody.test", vantage).absent


@pytest.mark.usefixtures("published")
def test_a_resolver_that_kept_the_absence_is_not_believed(world: World, vantage: VantagePoint) -> None:
    world.resolver.folder = None
    world.resolver.zones["example.test"] = "@ 60 SOA a.nic.test. hostmaster.nic.test. 1 60 60 3600 1800\n"
    assert fetch("example.test", vantage).policy == POLICY


@pytest.mark.parametrize("kind", ["A", "AAAA", "*"])
def test_a_look_up_that_fails_leaves_it_unknown(world: World, vantage: VantagePoint, kind: str) -> None:
    for server in (world.resolver, *world.ns):
        server.faults[HOST, kind] = "SERVFAIL"
    served = fetch("example.test", vantage)
    assert not served.absent
    assert "could not be looked up" in served.failure


def test_an_absence_that_only_the_resolver_tells_leaves_it_unknown(
    world: World, vantage: VantagePoint
) -> None:
    for server in world.ns:
        server.faults["*", "*"] = "REFUSED"
    served = fetch("example.test", vantage)
    assert (served.absent, served.policy) == (False, None)
    assert served.failure


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("down", "mta-sts.example.test at 127.83.0.44: "),
        ("404", "answers 404"),
        ("redirect", r"answers 301 to .* and a sender follows no redirect"),
        ("wrong certificate", "its certificate is not good for the name"),
        ("untrusted", r"its certificate is not good for the name \(self.signed certificate\)"),
        ("html", "is of type text/html, and must be text/plain"),
        ("cut", "ended 4 octets early"),
    ],
)
def test_what_a_sender_refuses_is_unknown_and_says_why(
    vantage: VantagePoint, edge: Edge, kind: FaultKind, reason: str
) -> None:
    edge.fault = EdgeFault(kind)
    served = fetch("example.test", vantage)
    assert (served.policy, served.absent) == (None, False)
    assert re.search(reason, served.failure)
    assert "\n" not in served.failure


@pytest.mark.usefixtures("published")
def test_no_redirect_is_followed(vantage: VantagePoint, edge: Edge) -> None:
    edge.fault = EdgeFault("redirect")
    fetch("example.test", vantage)
    assert [status for *_, status in edge.log] == [301]


@pytest.mark.usefixtures("published")
def test_an_answer_that_drips_ends_in_time_and_is_unknown(vantage: VantagePoint, edge: Edge) -> None:
    edge.fault = EdgeFault("slow", 60)
    began = time.monotonic()
    served = fetch("example.test", vantage, seconds=1.0)
    assert time.monotonic() - began < 30
    assert "no whole answer came in time" in served.failure


@pytest.mark.usefixtures("published")
def test_a_handshake_that_drips_ends_in_time_and_is_unknown(vantage: VantagePoint) -> None:
    """A server that begins a TLS record and sends an octet of it now and then."""
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            client.sendall(b"\x16\x03\x03\x40\x00\x02")
            while not ended.wait(0.1):
                client.sendall(b"\x00")

    with socket.create_server((EDGE4, 0)) as four:
        port = four.getsockname()[1]
        with socket.create_server((EDGE6, port), family=socket.AF_INET6) as six:
            for listener in (four, six):
                threading.Thread(target=drip, args=(listener,), daemon=True).start()
            began = time.monotonic()
            served = fetch("example.test", replace(vantage, https_port=port), seconds=2.0)
            ended.set()
    assert time.monotonic() - began < 30
    assert "no whole answer came in time" in served.failure


@pytest.mark.usefixtures("published")
def test_an_answer_that_drips_and_ends_in_time_counts(vantage: VantagePoint, edge: Edge) -> None:
    edge.fault = EdgeFault("slow", 0.3)
    assert fetch("example.test", vantage).policy == POLICY


@pytest.mark.usefixtures("published")
def test_what_the_edge_still_serves_counts_and_not_what_was_uploaded(
    cloudflare: StandIn, vantage: VantagePoint, edge: Edge
) -> None:
    (held,) = cloudflare.account.scripts.values()
    (domain,) = cloudflare.account.domains.values()
    domain["attached"] -= 3600
    held["versions"][0][0] -= 3600
    zones, newer = Zones(), replace(POLICY, mode="enforce")
    zones.workers.publish(zones.holding("example.test"), "example.test", newer.text)
    edge.fault = EdgeFault("stale", 600)
    assert fetch("example.test", vantage).policy == POLICY
    edge.fault = EdgeFault()
    assert fetch("example.test", vantage).policy == newer


@pytest.mark.usefixtures("published")
def test_a_custom_domain_that_the_edge_does_not_know_yet_is_unknown(
    vantage: VantagePoint, edge: Edge
) -> None:
    edge.fault = EdgeFault("stale", 600)
    served = fetch("example.test", vantage)
    assert not served.absent
    assert "handshake failure" in served.failure.lower().replace("_", " ")


@pytest.mark.parametrize("kind", ["A", "AAAA"])
@pytest.mark.usefixtures("published")
def test_an_address_that_does_not_answer_is_passed_over(
    cloudflare: StandIn, zones_dir: Path, vantage: VantagePoint, kind: str
) -> None:
    dead = {"A": "127.83.0.99", "AAAA": "::ffff:127.83.0.99"}[kind]
    cloudflare.edge = {**cloudflare.edge, kind: dead}
    cloudflare.publish()
    assert dead in (zones_dir / "example.test.zone").read_text()
    assert fetch("example.test", vantage).policy == POLICY


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("version: STSv1\r\n", "is no policy: its mode"),
        ("x" * 70000, "is longer than 64 KiB"),
    ],
)
def test_a_text_that_no_sender_takes_is_unknown(vantage: VantagePoint, script: str, reason: str) -> None:
    zones = Zones()
    zones.workers.publish(zones.holding("example.test"), "example.test", script)
    served = fetch("example.test", vantage)
    assert served.policy is None
    assert reason in served.failure


def test_a_worker_of_somebody_else_is_unknown(
    cloudflare: StandIn, vantage: VantagePoint, published: None
) -> None:
    (held,) = cloudflare.account.scripts.values()
    held["versions"][-1][1] = "export default { fetch() { return new Response('Hello World!') } }"
    served = fetch("example.test", vantage)
    assert (served.text, served.policy) == ("Hello World!", None)
    assert "is no policy" in served.failure


def test_a_fetch_never_raises(vantage: VantagePoint) -> None:
    for domain in ("", ".", "x" * 70 + ".test", "a..test", "exa mple.test"):
        served = fetch(domain, vantage)
        assert served.policy is None
        assert served.absent or served.failure
