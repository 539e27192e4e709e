"""Self-signed certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_PEM = serialization.Encoding.PEM


def make_certificate(
    folder: Path, name: str, *, old: bool = False, begun: float = 1, left: float = 30
) -> tuple[Path, Path]:
    """Write a self-signed certificate and its key as PEM files. The key is ECDSA, or RSA for old programs.

    It is valid since `begun` days, and for `left` days more.
    """
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    key = rsa.generate_private_key(65537, 2048) if old else ec.generate_private_key(ec.SECP256R1())
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = folder / "certificate.pem", folder / "key.pem"
    octets = key.private_bytes(_PEM, *plain)
    files[0].write_bytes(sign_certificate(octets, name, begun=begun, left=left))
    files[1].write_bytes(octets)
    return files


def sign_certificate(key: bytes, name: str, *, begun: float = 1, left: float = 30) -> bytes:
    """The self-signed certificate of a key, both in PEM. It is valid since `begun` days, for `left` more."""
    signer = serialization.load_pem_private_key(key, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(signer.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=begun))
        .not_valid_after(now + timedelta(days=left))
        .sign(signer, hashes.SHA256())
    )
    return certificate.public_bytes(_PEM)
