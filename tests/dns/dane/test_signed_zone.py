"""A zone that a real Knot signs: whether it is signed for the world, and what a sync then publishes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import sync, tlsa
from dns.dane import standing
from dns.dane.facts import Outside
from dns.inventory import Inventory, from_hosts
from dns.inventory.host_keys import HostKeys
from dns.sync.change import apply
from dns.world import signed
from dns.world.greeting import greet
from dns.world.nameservers import Server
from tests.dns.dane.keys import SECOND, published
from tests.dns.example import DOMAIN, OURS
from tests.dns.loopback.signed import INSTALLED, SigningKnot, signing
from tests.dns.loopback.world import ROOT_ZONE, SOA, World
from tests.lab.cloudflare import StandIn

ADDRESS = "127.83.0.83"
REGISTRY = f"{SOA}@ 60 NS a.registry.test.\nexample.test. 60 NS ns1.cloudflare.test.\n"
SIGNED_TLD = f"test. 60 DS 1 13 2 {'ab' * 32}\n"

pytestmark = pytest.mark.skipif(not INSTALLED, reason="no Knot is installed (apt-get install knot)")


@pytest.fixture
def knot(world: World, cloudflare: StandIn, zones_dir: Path) -> Iterator[SigningKnot]:
    """Knot serves example.test, signed. Its parent delegates to it, and has no DS yet."""
    with signing("example.test", zones_dir / "example.test.zone", ADDRESS, world.root.port) as knot:
        cloudflare.reload, cloudflare.api.signer = knot.reload, knot
        cloudflare.zones["example.test"].signed, cloudflare.zones["example.test"].key = False, ""
        world.root.zones["."] = ROOT_ZONE + SIGNED_TLD
        world.registry.zones["test"] = f"{REGISTRY}ns1.cloudflare.test. 60 A {ADDRESS}\n"
        at = world.resolver.zones["cloudflare.test"]
        world.resolver.zones["cloudflare.test"] = at.replace(
            "ns1.cloudflare.test. 60 A 127.83.0.4", f"ns1.cloudflare.test. 60 A {ADDRESS}"
        )
        world.resolver.hosts = {}
        yield knot


def delegate(world: World, knot: SigningKnot, ds: str) -> None:
    """What the registrar does with the DS that it is given."""
    knot.parent.add(ds)
    world.registry.zones["test"] += f"example.test. 60 DS {ds}\n"


def current(certificate: Path) -> str:
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    return tlsa.key_digest(der)


def inventory() -> Inventory:
    data = {**OURS, "domains": {"example.test": {**DOMAIN, "dane": True}}}
    return from_hosts([("mx1.example.test", data)])


def outside(world: World) -> Outside:
    """The world of loopback, with its root's and its mail hosts' ports."""
    return Outside(
        lambda zone: signed.look(zone, world.vantage),
        lambda address: greet(address, port=world.mail[0].port),
    )


def run(world: World, digest: str) -> sync.Prepared:
    keys = {"mx1.example.test": HostKeys(digest, SECOND, frozenset({digest}))}
    return sync.prepare(inventory(), "example.test", {}, keys=keys, outside=outside(world))


def test_from_an_unsigned_zone_to_published_keys_in_two_runs(
    world: World, cloudflare: StandIn, knot: SigningKnot, certificate: Path
) -> None:
    digest = current(certificate)
    first = run(world, digest)
    assert first.plan.signing
    plan = apply(first)
    assert published(cloudflare) == []
    assert plan.notes == (
        "mx1.example.test: no key is published for DANE, and what stands there stays, because example.test "
        "has no DS at test",
    )
    ds = plan.registrar.rpartition(" DS ")[2]
    delegate(world, knot, ds)
    second = apply(run(world, digest))
    assert second.notes == ()
    assert published(cloudflare) == sorted([digest, SECOND])
    (found,) = standing.look(
        "mx1.example.test", digest, servers=[Server("ns1", ADDRESS)], port=world.root.port
    )
    assert found.answers[0].digests == {digest, SECOND}
    assert (found.ttl, set(found.since)) == (300, {digest, SECOND})
    third = run(world, digest)
    assert third.in_sync
    assert third.plan.registrar == ""


def test_another_key_at_an_address_is_seen_by_a_real_handshake(
    world: World, cloudflare: StandIn, knot: SigningKnot
) -> None:
    delegate(world, knot, apply(run(world, "1" * 64)).registrar.rpartition(" DS ")[2])
    plan = apply(run(world, "1" * 64))
    assert published(cloudflare) == []
    assert "serves another key than the host itself" in plan.notes[0]


class TestWhetherItIsSigned:
    def ds(self, knot: SigningKnot) -> str:
        return signed.ds_of("example.test", knot.keys())[1]

    def test_a_ds_that_fits_makes_it_secure(self, world: World, knot: SigningKnot) -> None:
        delegate(world, knot, self.ds(knot))
        assert signed.look("example.test", world.vantage) == signed.Signed("example.test", True)

    def test_a_ds_of_another_key_does_not(self, world: World, knot: SigningKnot) -> None:
        delegate(world, knot, f"{self.ds(knot)[:-4]}0000")
        found = signed.look("example.test", world.vantage)
        assert (found.secure, found.reason) == (False, "has a DS at test that fits none of its keys")

    def test_below_a_parent_that_is_not_signed_it_is_not(self, world: World, knot: SigningKnot) -> None:
        delegate(world, knot, self.ds(knot))
        world.root.zones["."] = ROOT_ZONE
        found = signed.look("example.test", world.vantage)
        assert (found.secure, found.reason) == (False, "is below test, which is not signed")

    def test_a_parent_that_does_not_answer_leaves_it_unknown(self, world: World, knot: SigningKnot) -> None:
        delegate(world, knot, self.ds(knot))
        world.registry.faults["example.test", "DS"] = "SERVFAIL"
        assert signed.look("example.test", world.vantage).secure is None

    def test_a_root_that_does_not_answer_leaves_it_unknown(self, world: World, knot: SigningKnot) -> None:
        delegate(world, knot, self.ds(knot))
        world.root.faults["*", "*"] = "REFUSED"
        assert signed.look("example.test", world.vantage).secure is None


def test_a_nameserver_with_an_unsigned_copy_makes_the_zone_unsafe(
    world: World, cloudflare: StandIn, knot: SigningKnot
) -> None:
    """A sender that asks it finds no signatures, and refuses the zone."""
    delegate(world, knot, signed.ds_of("example.test", knot.keys())[1])
    world.registry.zones["test"] += "example.test. 60 NS ns2.cloudflare.test.\n"
    found = signed.look("example.test", world.vantage)
    assert found.secure is False
    assert "no keys at ns2.cloudflare.test" in found.reason


def test_the_certificate_of_a_handshake_is_kept(world: World, certificate: Path) -> None:
    mail = world.mail[0]
    found = greet(mail.address, port=mail.port)
    assert tlsa.key_digest(base64.b64decode(found.certificate)) == current(certificate)
    mail.works = False
    without = greet(mail.address, port=mail.port)
    assert (without.certificate, without.tls) == ("", "answered 454 not now")
