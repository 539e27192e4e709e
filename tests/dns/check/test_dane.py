"""`dns.check` of a domain with DANE: TLSA asked of real nameservers, keys seen by real handshakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.inventory import load
from tests.dns.check.found import codes, found, only
from tests.dns.check.keys import DS, sign
from tests.dns.dane.keys import FIRST
from tests.dns.dane.keys import tlsa as record
from tests.dns.example import DOMAIN, OURS, inventory_text
from tests.dns.loopback.world import REGISTRY_ZONE, ROOT_ZONE, World
from tests.lab.cloudflare import StandIn


@pytest.fixture
def dane(world: World, inventory: Path) -> Path:
    """An inventory whose domain asks for DANE, in a world in which its zone can be signed."""
    inventory.write_text(
        inventory_text({"mx1.example.test": OURS}, {"example.test": {**DOMAIN, "dane": True}})
    )
    assert load(inventory).domain("example.test").dane
    world.root.zones["."] = f"{ROOT_ZONE}test. 60 DS 1 13 2 {'ab' * 32}\n"
    world.registry.zones["test"] = f"{REGISTRY_ZONE}example.test. 60 DS {DS}\n"
    return inventory


def served(certificate: Path) -> str:
    return tlsa.key_digest(
        x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    )


def publish(cloudflare: StandIn, zones_dir: Path, *digests: str, **changes: Any) -> None:
    cloudflare.seed("example.test", *(record(digest, **changes) for digest in digests))
    sign(zones_dir)


def test_a_host_that_serves_a_published_key_is_fine(
    world: World, dane: Path, cloudflare: StandIn, zones_dir: Path, certificate: Path
) -> None:
    publish(cloudflare, zones_dir, served(certificate), FIRST)
    assert found(world, dane) == []


def test_a_host_that_serves_another_key_is_found(
    world: World, dane: Path, cloudflare: StandIn, zones_dir: Path
) -> None:
    publish(cloudflare, zones_dir, FIRST)
    finding = only(world, dane)
    assert (finding.group, finding.code) == ("required", "tlsa")


def test_keys_that_are_not_published_yet_are_advised(world: World, dane: Path, zones_dir: Path) -> None:
    sign(zones_dir)
    assert codes(found(world, dane)) == [("advised", "tlsa-missing")]


def test_a_zone_that_is_not_signed_is_advised(world: World, dane: Path) -> None:
    world.registry.zones["test"] = REGISTRY_ZONE
    assert codes(found(world, dane)) == [("advised", "dane-unsigned")]


def test_tlsa_that_nobody_answers_are_unknown(world: World, dane: Path, zones_dir: Path) -> None:
    sign(zones_dir)
    for server in world.ns:
        server.faults["_25._tcp.mx1.example.test", "TLSA"] = "SERVFAIL"
    assert codes(found(world, dane)) == [("unknown", "tlsa")]


def test_wrong_records_of_somebody_else_are_found_without_dane(
    world: World, inventory: Path, dane: Path, cloudflare: StandIn, zones_dir: Path
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"example.test": DOMAIN}))
    publish(cloudflare, zones_dir, FIRST)
    finding = only(world, inventory)
    assert (finding.group, finding.code) == ("required", "tlsa")
    assert finding.fix.startswith("delete the TLSA records")
