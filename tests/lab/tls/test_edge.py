"""The edge answers as Cloudflare's does, on loopback and in the world, and fails as it is told."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from dns.cloudflare.worker_script import PATH
from dns.cloudflare.zones import Zones
from dns.errors import NotPermitted
from dns.mta_sts.policy import Policy
from dns.world.policy import fetch
from dns.world.vantage import VantagePoint, vantage_with
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.authority import ROOT, Authority, make_root
from tests.lab.cloudflare.edge import Edge
from tests.lab.lab import DOMAIN, Lab
from tests.lab.network import EDGE
from tests.lab.tls import edge as world_edge
from tests.lab.world import NO_WORKERS_TOKEN
from tests.waiting import wait_until

POLICY = Policy("testing", ("mx1.example.test",), 86400)
HOST = f"mta-sts.{DOMAIN}"
FROM_THE_WORLD = f"""
import urllib.request
with urllib.request.urlopen("https://{HOST}{PATH}", timeout=30) as answer:
    print(answer.status, answer.headers["content-type"], ascii(answer.read()))
"""


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """An edge on loopback with one policy."""
    root, store = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("store")
    make_root(root)
    with StandIn() as cloudflare, Edge(cloudflare.served, Authority(root, store)) as edge:
        zones = Zones({"CLOUDFLARE_BASE_URL": cloudflare.base_url, "CLOUDFLARE_API_TOKEN": cloudflare.token})
        zones.workers.publish(zones.holding(DOMAIN), DOMAIN, POLICY.text)
        yield edge


def ask(edge: Edge, method: str = "GET", path: str = PATH, host: str = HOST) -> tuple[int, str | None, bytes]:
    """Status, type and body of the answer."""
    context = ssl.create_default_context(cafile=str(edge.authority.root / ROOT))
    connection = http.client.HTTPSConnection(HOST, timeout=30)
    plain = socket.create_connection(("127.0.0.1", edge.port), timeout=30)
    connection.sock = context.wrap_socket(plain, server_hostname=HOST)
    try:
        connection.request(method, path, headers={"host": host})
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", PATH, (200, "text/plain", POLICY.text.encode())),
        ("GET", f"{PATH}?x=1", (200, "text/plain", POLICY.text.encode())),
        ("HEAD", PATH, (200, "text/plain", b"")),
        ("POST", PATH, (404, "text/plain", b"Not found\n")),
        ("GET", "/", (404, "text/plain", b"Not found\n")),
        ("GET", f"{PATH}/", (404, "text/plain", b"Not found\n")),
    ],
)
def test_the_worker_answers_one_path(
    edge: Edge, method: str, path: str, answer: tuple[int, str, bytes]
) -> None:
    assert ask(edge, method, path) == answer


def test_a_request_for_a_name_that_no_worker_has_is_refused(edge: Edge) -> None:
    assert ask(edge, host="www.example.test")[0] == 403


@pytest.mark.parametrize("name", ["www.example.test", "example.test", None])
def test_tls_for_a_name_that_no_worker_has_ends_with_an_alert(edge: Edge, name: str | None) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", edge.port), timeout=30)
    with plain, pytest.raises(ssl.SSLError, match=r"(?i)handshake failure"):
        context.wrap_socket(plain, server_hostname=name)


@pytest.fixture
def zones(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zones]:
    """The zones of the lab, whose policy is removed at the end."""
    for name, value in lab.environment.items():
        monkeypatch.setenv(name, value)
    zones = Zones()
    yield zones
    zones.workers.remove(zones.holding(DOMAIN), DOMAIN)


@pytest.fixture
def vantage(zones: Zones) -> VantagePoint:
    return vantage_with(None)


def test_a_policy_is_served_in_the_world_and_gone_when_it_is_removed(
    lab: Lab, zones: Zones, vantage: VantagePoint
) -> None:
    assert fetch(DOMAIN, vantage).absent
    zone = zones.holding(DOMAIN)
    zones.workers.publish(zone, DOMAIN, POLICY.text)
    assert lab.world.lookup(HOST, "A") == [lab.network.address4(EDGE)]
    assert lab.world.lookup(HOST, "AAAA") == [lab.network.address6(EDGE)]
    served = fetch(DOMAIN, vantage)
    assert (served.policy, served.failure) == (POLICY, "")
    asked = ["env", f"SSL_CERT_FILE={world_edge.ROOT}", "python3", "-c", FROM_THE_WORLD]
    assert lab.world.run(asked).stdout == f"200 text/plain {POLICY.text.encode()!a}\n"
    zones.workers.remove(zone, DOMAIN)
    lab.world.forget()
    assert fetch(DOMAIN, vantage).absent


def test_the_edge_of_the_world_fails_as_it_is_told(lab: Lab, zones: Zones, vantage: VantagePoint) -> None:
    zones.workers.publish(zones.holding(DOMAIN), DOMAIN, POLICY.text)
    lab.world.forget()
    with world_edge.failing(lab.world, "404"):
        assert "answers 404" in fetch(DOMAIN, vantage).failure
    with world_edge.failing(lab.world, "stale", 600):
        assert fetch(DOMAIN, vantage).policy is None
    assert fetch(DOMAIN, vantage).policy == POLICY


def test_a_restart_of_the_stand_in_keeps_the_workers(lab: Lab, zones: Zones, vantage: VantagePoint) -> None:
    zones.workers.publish(zones.holding(DOMAIN), DOMAIN, POLICY.text)
    lab.world.run("systemctl restart cloudflare.service")
    lab.world.forget()
    wait_until(lambda: fetch(DOMAIN, vantage).policy == POLICY, "the policy is served again")


def test_the_lab_has_a_token_without_the_accounts_right(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", NO_WORKERS_TOKEN)
    with pytest.raises(NotPermitted, match="Account > Workers Scripts > Edit"):
        Zones().workers.look(zones.holding(DOMAIN), DOMAIN)


def test_the_trusted_roots_are_the_machines_own_and_those_that_are_added(lab: Lab, tmp_path: Path) -> None:
    before = ssl.create_default_context(cafile=str(lab.trusted)).cert_store_stats()["x509_ca"]
    assert before > 1
    make_root(tmp_path)
    with world_edge.trusting(lab, (tmp_path / ROOT).read_text()):
        assert ssl.create_default_context(cafile=str(lab.trusted)).cert_store_stats()["x509_ca"] == before + 1
    assert ssl.create_default_context(cafile=str(lab.trusted)).cert_store_stats()["x509_ca"] == before
