"""Requests and certificates of these tests."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Key = ec.EllipticCurvePrivateKey
PEM = serialization.Encoding.PEM


def make_key() -> Key:
    """A new key of the kind that the deploy makes."""
    return ec.generate_private_key(ec.SECP256R1())


def named(name: str) -> x509.Name:
    """A subject of this common name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def request(key: Key, *names: str) -> bytes:
    """A request for these names, as PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(named(names[0] if names else "none"))
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM)


def certificate(
    key: Key,
    names: Sequence[str] = ("mx1.example.test",),
    *,
    life: timedelta = timedelta(days=90),
    left: timedelta = timedelta(days=80),
    signer: Key | None = None,
    issuer: str = "A CA",
    now: datetime | None = None,
) -> bytes:
    """A certificate as PEM that has `left` of its `life`. Without a signer, it is self-signed."""
    ends = (now or datetime.now(UTC)) + left
    kinds: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    if names == ("127.0.0.1",):
        kinds = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(named(names[0]))
        .issuer_name(named(issuer if signer else names[0]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - life)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(kinds), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((signer or key).public_key()), False
        )
        .sign(signer or key, hashes.SHA256())
        .public_bytes(PEM)
    )


def authority(key: Key, name: str = "A CA") -> bytes:
    """The self-signed certificate of an authority, as PEM."""
    return certificate(key, (name,), life=timedelta(days=3650), left=timedelta(days=3000))


def private(key: Key) -> bytes:
    """The key as PEM."""
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def https(folder: Path) -> tuple[Path, Path]:
    """Write the certificate and the key of an HTTPS server at 127.0.0.1."""
    key = make_key()
    files = folder / "https.pem", folder / "https.key"
    files[0].write_bytes(certificate(key, ("127.0.0.1",)))
    files[1].write_bytes(private(key))
    return files
