"""Certificates of an authority with an intermediate one, as a mail host may serve them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "mx1.example.test"
LONG = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Signer:
    """An authority: its certificate, and the key of it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Leaf:
    """What differs from one host's certificate to the next."""

    names: tuple[str, ...] = (HOST,)
    start: timedelta = timedelta(days=-30)
    end: timedelta = timedelta(days=60)
    usage: tuple[x509.ObjectIdentifier, ...] = field(default=(ExtendedKeyUsageOID.SERVER_AUTH,))


GOOD = Leaf()


def authority(name: str, now: datetime, above: Signer | None = None, *, ends: timedelta = LONG) -> Signer:
    """An authority of this name: a root, or one that `above` vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = above or Signer(_certificate(_name(name), key, _name(name), key, now, ends), key)
    made = _certificate(_name(name), key, issuer.certificate.subject, issuer.key, now, ends)
    return Signer(made, key)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
    ends: timedelta,
) -> x509.Certificate:
    public = key.public_key()
    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def leaf(
    now: datetime,
    of: Signer | None,
    what: Leaf = GOOD,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> x509.Certificate:
    """A certificate for a host, by default of a new key. Without an authority it is self-signed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = of.key if of else key
    subject = _name(HOST)
    return (
        x509.CertificateBuilder(
            of.certificate.subject if of else subject, subject, key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now + what.start)
        .not_valid_after(now + what.end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in what.names]), False)
        .add_extension(x509.ExtendedKeyUsage(what.usage), critical=False)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def served(*certificates: x509.Certificate) -> list[str]:
    """The chain as a host's facts hold it."""
    return [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
