"""The Worker's script, byte for byte as it is uploaded, in Cloudflare's own runtime and over real HTTPS."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dns.cloudflare.worker_script import PATH
from dns.cloudflare.zones import Zones
from dns.mta_sts.policy import Policy, record
from dns.world.policy import fetch
from dns.world.vantage import VantagePoint
from tests.dns.cloudflare.workerd import fetcher, runtime
from tests.dns.loopback.nameserver import Nameserver
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.authority import ROOT, Authority
from tests.lab.cloudflare.edge import Edge

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("LETTERBOX_THOROUGH") != "1", reason="only `make thorough` runs workerd"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="port 443 and a resolv.conf of its own need root"),
]

HOST = "mta-sts.example.test"
WORKERD, DNS = "127.83.0.45", "127.83.0.53"
POLICIES = {
    "testing": Policy("testing", ("mx1.example.test",), 86400),
    "enforce": Policy("enforce", ("mx1.example.test", "mx2.example.test", "*.example.net"), 604800),
    "none": Policy("none", (), 86400),
}
REQUESTS = (
    ("GET", PATH),
    ("GET", f"{PATH}?x=1"),
    ("HEAD", PATH),
    ("POST", PATH),
    ("OPTIONS", PATH),
    ("DELETE", PATH),
    ("GET", "/"),
    ("GET", f"{PATH}/"),
    ("GET", PATH.upper()),
    ("GET", f"/.{PATH}".replace("/.well-known", "/well-known")),
    ("HEAD", "/robots.txt"),
)


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest, cloudflare: StandIn, edge: Edge) -> Policy:
    """A policy that was uploaded, so that both the edge and workerd have its script."""
    policy = POLICIES[request.param]
    cloudflare.edge = {"A": WORKERD}
    zones = Zones()
    zones.workers.publish(zones.holding("example.test"), "example.test", policy.text)
    cloudflare.seed("example.test", {"type": "TXT", "name": "_mta-sts", "content": record(policy.id)})
    return policy


@pytest.fixture
def workerd(policy: Policy, cloudflare: StandIn, authority: Authority, tmp_path: Path) -> Iterator[None]:
    """workerd with the script that the stand-in got, to the octet."""
    folder = tmp_path / "workerd"
    folder.mkdir()
    script = cloudflare.served(HOST)
    assert script
    with runtime.running(script, authority.pair_for(HOST), folder, WORKERD):
        yield


def answers(root: Path, address: str, port: int) -> list[tuple[int, str | None, bytes]]:
    """Status, type and body of the answer to each of REQUESTS."""
    found = []
    for method, path in REQUESTS:
        context = ssl.create_default_context(cafile=str(root))
        connection = http.client.HTTPSConnection(HOST, timeout=30)
        connection.sock = context.wrap_socket(
            socket.create_connection((address, port), timeout=30), server_hostname=HOST
        )
        connection.request(method, path)
        answer = connection.getresponse()
        found.append((answer.status, answer.getheader("content-type"), answer.read()))
        connection.close()
    return found


@pytest.mark.usefixtures("workerd")
def test_our_fetch_gets_the_policy_to_the_octet(world: World, policy: Policy) -> None:
    vantage: VantagePoint = replace(world.vantage, https_port=443)
    served = fetch("example.test", vantage)
    assert (served.policy, served.text, served.failure) == (policy, policy.text, "")


@pytest.mark.usefixtures("workerd")
def test_a_senders_fetcher_takes_it_for_valid(
    policy: Policy, authority: Authority, zones_dir: Path, tmp_path: Path
) -> None:
    with Nameserver(zones_dir, {}, DNS, 53, recursive=True):
        found = fetcher.fetched("example.test", DNS, authority.root / ROOT, tmp_path)
    expected = {"version": "STSv1", "mode": policy.mode, "mx": list(policy.mx), "max_age": policy.max_age}
    assert found == {"result": "VALID", "id": policy.id, "policy": expected}


@pytest.mark.usefixtures("workerd", "policy")
def test_the_labs_edge_answers_as_cloudflares_runtime_does(authority: Authority, edge: Edge) -> None:
    root = authority.root / ROOT
    assert answers(root, "127.83.0.44", edge.port) == answers(root, WORKERD, 443)
