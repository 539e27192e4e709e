"""Keys, and certificates of them, such as a host may hold."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain in PEM, and a key, which need not belong together."""

    key: Key
    certificate: str

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def leaf(self) -> bytes:
        """The first certificate of the chain, in DER."""
        (first, *_) = x509.load_pem_x509_certificates(self.certificate.encode())
        return first.public_bytes(serialization.Encoding.DER)


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def digest(key: Key) -> str:
    """The SHA-256 of the public key, as in a TLSA record 3 1 1 (RFC 6698, 2.1), in hexadecimal."""
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(spki).hexdigest()


def self_signed(key: Key, hostname: str, *, valid_for: timedelta = timedelta(days=90)) -> Pair:
    """A certificate of the key, signed by itself, that is a year old and ends after this time from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + valid_for)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(key, certificate.public_bytes(serialization.Encoding.PEM).decode())


def request(key: Key, hostname: str) -> bytes:
    """A certificate request (RFC 2986) for this name, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname)])
    names = x509.SubjectAlternativeName([x509.DNSName(hostname)])
    signed = x509.CertificateSigningRequestBuilder().subject_name(name).add_extension(names, critical=False)
    return signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def issuer_of(chain: str) -> str:
    """Who signed the first certificate of the chain (RFC 4514)."""
    return x509.load_pem_x509_certificates(chain.encode())[0].issuer.rfc4514_string()
