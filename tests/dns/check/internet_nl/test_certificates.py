"""The points about certificates and CAA: each holds, fails, or is unknown. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.check.internet_nl import judge_certificate
from dns.check.internet_nl.points import Outcome
from dns.errors import SyncError
from dns.world.answers import Answer
from tests.dns.check.internet_nl.domain import (
    FAILS,
    LEAF,
    NEXT,
    NOW,
    OURS,
    PHASE_OUT,
    UNKNOWN,
    differing,
    domain,
    hello,
)
from tests.dns.check.judging.values import SILENCE


def made(key: Any, algorithm: Any = None, names: tuple[str, ...] = ("mx.e.org",)) -> x509.Certificate:
    """A self-signed certificate for this key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.e.org")])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, algorithm or hashes.SHA256())
    )


CURVE = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (lambda: made(rsa.generate_private_key(65537, 1024)), {"cert_pubkey": FAILS}),
        (lambda: made(rsa.generate_private_key(65537, 2048)), {"cert_pubkey": PHASE_OUT}),
        (lambda: made(rsa.generate_private_key(65537, 3072)), {}),
        (lambda: made(ec.generate_private_key(ec.SECP224R1())), {"cert_pubkey": PHASE_OUT}),
        (lambda: made(ec.generate_private_key(ec.SECP256K1())), {"cert_pubkey": FAILS}),
        (lambda: made(CURVE, hashes.SHA224()), {"cert_sig": FAILS}),
        (lambda: made(CURVE, hashes.SHA384()), {}),
        (lambda: made(CURVE, names=("mx.e.net",)), {"cert_domain": FAILS}),
        (lambda: made(CURVE, names=("*.e.org",)), {}),
    ],
)
def test_certificates(certificate: Any, expected: dict[str, Outcome]) -> None:
    one = certificate()
    text = tlsa.content(tlsa.key_digest(one.public_bytes(Encoding.DER)))
    found = differing(domain(text, NEXT, greeting=hello(one)))
    assert found == {f"starttls_{code}": outcome for code, outcome in expected.items()}


def test_a_weak_issuer_is_found_in_the_chain() -> None:
    weak = made(rsa.generate_private_key(65537, 1024))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Weak")])
    other = x509.CertificateBuilder(
        x509.Name([]), issuer, weak.public_key(), 2, NOW, NOW + timedelta(days=9)
    ).sign(CURVE, hashes.SHA256())
    found = differing(domain(OURS, NEXT, greeting=hello(LEAF, other)))
    assert found == {"starttls_cert_pubkey": FAILS}


def test_a_chain_that_is_not_trusted() -> None:
    assert differing(domain(OURS, NEXT), problem="it is self-signed") == {"starttls_cert_chain": FAILS}


def test_whether_a_chain_is_trusted_is_unknown_to_a_machine_that_trusts_nobody() -> None:
    def lost(*_: Any) -> str:
        raise SyncError("this machine trusts no authority")

    found = {each.code: each for each in judge_certificate.points(domain(OURS), {}, lost, NOW)}
    assert found["starttls_cert_chain"].outcome is UNKNOWN


@pytest.mark.parametrize(
    ("caa", "outcome"),
    [
        (Answer(), FAILS),
        (SILENCE, UNKNOWN),
        (Answer(values=frozenset({'0 iodef "mailto:a@e.org"'})), FAILS),
    ],
)
def test_caa(caa: Answer, outcome: Outcome) -> None:
    assert differing(domain(OURS, NEXT), caa=caa) == {"starttls_cert_caa": outcome}
