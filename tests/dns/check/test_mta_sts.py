"""An MTA-STS policy on the small Internet: published, fetched over HTTPS, and compared with port 25."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dns.cloudflare.zones import Zones
from dns.mta_sts.policy import Policy, record
from tests.dns.check.found import codes, found
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.authority import Authority
from tests.lab.cloudflare.edge import Edge, EdgeFault

TESTING = Policy("testing", ("mx1.example.test",), 86400)
ENFORCE = Policy("enforce", ("mx1.example.test",), 604800)
REPORTS: dict[str, Any] = {
    "type": "TXT",
    "name": "_smtp._tls",
    "content": "v=TLSRPTv1; rua=mailto:tls@example.org",
}


@pytest.fixture(autouse=True)
def trusted(world: World, authority: Authority) -> Iterator[None]:
    """Let our mail host serve a certificate of the authority that this machine trusts, as a sender does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.pair_for("mx1.example.test"))
    before = [host.context for host in world.mail]
    for host in world.mail[:2]:
        host.context = context
    yield
    for host, old in zip(world.mail, before, strict=True):
        host.context = old


def publish(cloudflare: StandIn, policy: Policy, *records: dict[str, Any], text: str = "") -> None:
    """Publish a policy and its TXT record, as a run does."""
    zones = Zones()
    zones.workers.publish(zones.holding("example.test"), "example.test", policy.text)
    told = {"type": "TXT", "name": "_mta-sts", "content": text or record(policy.id)}
    cloudflare.seed("example.test", told, *records)


def wanted(inventory: Path, mode: str = "") -> None:
    """Let the inventory ask for this mode."""
    more = {"mta_sts": mode} if mode else {}
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": {**DOMAIN, **more}}))


def seen(world: World, edge: Edge, inventory: Path) -> list[tuple[str, str]]:
    return codes(found(world, inventory, vantage=replace(world.vantage, https_port=edge.port)))


@pytest.mark.parametrize(("policy", "mode"), [(TESTING, "testing"), (ENFORCE, "enforce"), (ENFORCE, "")])
def test_a_policy_that_is_right_is_silent_whoever_publishes_it(
    world: World, cloudflare: StandIn, edge: Edge, inventory: Path, policy: Policy, mode: str
) -> None:
    publish(cloudflare, policy, REPORTS)
    wanted(inventory, mode)
    assert seen(world, edge, inventory) == []
    assert edge.log


def test_a_domain_without_a_policy_is_fetched_from_nowhere(world: World, edge: Edge, inventory: Path) -> None:
    assert seen(world, edge, inventory) == []
    assert edge.log == []


def test_what_is_wanted_and_not_there_is_required(world: World, edge: Edge, inventory: Path) -> None:
    wanted(inventory, "enforce")
    assert seen(world, edge, inventory) == [("required", "mta-sts-missing"), ("required", "mta-sts-policy")]


def test_a_policy_host_that_is_down_is_unknown(
    world: World, cloudflare: StandIn, edge: Edge, inventory: Path
) -> None:
    publish(cloudflare, ENFORCE, REPORTS)
    wanted(inventory, "enforce")
    edge.fault = EdgeFault("down")
    assert seen(world, edge, inventory) == [("unknown", "mta-sts-policy")]


def test_an_mx_of_somebody_else_is_required_to_be_listed(
    world: World, cloudflare: StandIn, edge: Edge, inventory: Path
) -> None:
    other = {"type": "MX", "name": "@", "content": "mx.other.test", "priority": 20}
    publish(cloudflare, ENFORCE, REPORTS, other)
    assert ("required", "mta-sts-mx") in seen(world, edge, inventory)


@pytest.mark.parametrize(("policy", "group"), [(ENFORCE, "required"), (TESTING, "advised")])
def test_a_self_signed_certificate_counts_as_the_mode_says(
    world: World, cloudflare: StandIn, edge: Edge, inventory: Path, policy: Policy, group: str
) -> None:
    for host in world.mail[:2]:
        host.context = world.mail[2].context
    publish(cloudflare, policy, REPORTS)
    assert seen(world, edge, inventory) == [(group, "mta-sts-certificate")]


def test_nameservers_that_do_not_answer_for_it_leave_it_unknown(
    world: World, cloudflare: StandIn, edge: Edge, inventory: Path
) -> None:
    publish(cloudflare, ENFORCE, REPORTS)
    wanted(inventory, "enforce")
    for server in world.ns:
        server.faults["_mta-sts.example.test", "TXT"] = "SERVFAIL"
    assert ("unknown", "mta-sts") in seen(world, edge, inventory)
    assert not any(group == "required" for group, _ in seen(world, edge, inventory))
