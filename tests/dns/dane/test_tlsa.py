"""TLSA record data, digests, and what a certificate fits."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa


@pytest.fixture
def der(certificate: Path) -> bytes:
    """The certificate of the mail host on loopback."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)


def test_the_digest_of_a_key_is_what_openssl_makes_of_it(certificate: Path, der: bytes) -> None:
    pipe = f"openssl x509 -in {certificate} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"
    made = subprocess.run(pipe, shell=True, check=True, capture_output=True, text=True).stdout.split()[0]
    assert tlsa.key_digest(der) == made


@pytest.mark.parametrize("digest", ["", "ab", "x" * 64, "AB" * 32, "ab" * 33])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256 digest"):
        tlsa.content(digest)


def test_the_digest_of_nothing_is_refused() -> None:
    assert hashlib.sha256(b"").hexdigest() == tlsa.NOTHING
    with pytest.raises(ValueError, match="the digest of nothing"):
        tlsa.content(tlsa.NOTHING)


def test_record_data_has_one_form() -> None:
    assert tlsa.canonical("03 1 1  ABCD EF01") == "3 1 1 abcdef01"


def test_each_kind_of_record_is_compared_with_the_certificate(der: bytes) -> None:
    key = tlsa.key_digest(der)
    assert tlsa.matches(f"3 1 1 {key}", der) is True
    assert tlsa.matches(f"3 0 1 {hashlib.sha256(der).hexdigest()}", der) is True
    assert tlsa.matches(f"3 0 2 {hashlib.sha512(der).hexdigest()}", der) is True
    assert tlsa.matches(f"3 0 0 {der.hex()}", der) is True
    assert tlsa.matches(f"3 1 1 {'0' * 64}", der) is False
    assert tlsa.matches(f"3 7 1 {key}", der) is False
    assert tlsa.matches(f"1 1 1 {key}", der) is False, "senders of mail ignore PKIX-EE"
    assert tlsa.matches(f"2 1 1 {key}", der) is None, "the certificate alone does not tell"
    assert tlsa.matches("nonsense", der) is False
