"""Requests and certificates as values, and the checks that a new certificate must pass."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.renewal.errors import RenewalError

LEAST_LEFT = timedelta(hours=1)  # of a new certificate, or half of its life if that is less
_MAKE = "deploy again, which makes it beside the key"


@dataclass(frozen=True, slots=True)
class Request:
    """A certificate request (RFC 2986) that the key's owner signed.

    `names` are the DNS names it asks for. `key` is the SHA-256 of the public key (SPKI, DER) as hexadecimal.
    """

    pem: bytes
    names: tuple[str, ...]
    key: str

    @property
    def id(self) -> str:
        """The name of this key's folder: the first 16 digits."""
        return self.key[:16]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The first certificate of a PEM file. `digest` is the SHA-256 of its DER as hexadecimal."""

    pem: bytes
    names: tuple[str, ...]
    key: str
    issuer: str
    self_signed: bool
    not_before: datetime
    not_after: datetime
    digest: str

    @property
    def life(self) -> timedelta:
        """From the first moment at which it is valid to the last."""
        return self.not_after - self.not_before


def read_request(path: Path) -> Request:
    """Read the request. Raises RenewalError if it cannot be read, names nothing, or is not signed right."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise RenewalError(f"the request {path} cannot be read ({error.strerror}): {_MAKE}") from None
    try:
        request = x509.load_pem_x509_csr(pem)
        names = _names(request.extensions)
        key = _digest_of_key(request.public_key())
    except (ValueError, x509.DuplicateExtension) as error:
        raise RenewalError(f"{path} is not a certificate request ({error}): {_MAKE}") from None
    if not request.is_signature_valid:
        raise RenewalError(f"the request {path} is not signed by its own key: {_MAKE}")
    if not names:
        raise RenewalError(f"the request {path} asks for no DNS name: {_MAKE}")
    return Request(pem, names, key)


def read_certificate(path: Path) -> Certificate | None:
    """The certificate of the file. None if there is no file, or no certificate in it.

    Raises RenewalError if the file is there and cannot be read.
    """
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RenewalError(f"the certificate {path} cannot be read ({error.strerror})") from None
    try:
        return _certificate(pem, x509.load_pem_x509_certificate(pem))
    except (ValueError, x509.DuplicateExtension):
        return None


def check_issued(pem: bytes, request: Request, now: datetime) -> Certificate:
    """The certificate of a chain that the authority sent. Raises RenewalError if it is not to be installed.

    It must hold the request's key and names and be valid long enough. Each certificate of the chain must be
    signed by the next one. So a mistake of the authority, or of the clock, never replaces a good certificate.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem)
        found = _certificate(pem, chain[0])
    except (ValueError, x509.DuplicateExtension) as error:
        raise RenewalError(f"the CA sent no certificate that can be read ({error})") from None
    if found.key != request.key:
        raise RenewalError("the CA sent a certificate for another key than the request's: it is not used")
    if set(found.names) != set(request.names):
        wanted, names = ", ".join(request.names), ", ".join(found.names) or "no name"
        raise RenewalError(f"the CA sent a certificate for {names}, not for {wanted}: it is not used")
    if found.not_after - now < min(LEAST_LEFT, found.life / 2):
        raise RenewalError(
            f"the CA sent a certificate that is valid until {found.not_after:%Y-%m-%d %H:%M} UTC only, and "
            f"this host's clock says {now:%Y-%m-%d %H:%M} UTC: it is not used; is the clock right?"
        )
    _check_chain(chain)
    return found


def _check_chain(chain: Sequence[x509.Certificate]) -> None:
    if len(chain) == 1:
        raise RenewalError("the CA sent a certificate without its issuer's: senders could not verify it")
    for certificate, issuer in pairwise(chain):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            subject, of = certificate.subject.rfc4514_string(), issuer.subject.rfc4514_string()
            raise RenewalError(
                f"the CA sent a chain that is broken: {subject or 'the certificate'} is not signed by {of}"
            ) from None


def _certificate(pem: bytes, certificate: x509.Certificate) -> Certificate:
    return Certificate(
        pem,
        _names(certificate.extensions),
        _digest_of_key(certificate.public_key()),
        certificate.issuer.rfc4514_string(),
        certificate.issuer == certificate.subject,
        certificate.not_valid_before_utc.astimezone(UTC),
        certificate.not_valid_after_utc.astimezone(UTC),
        hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
    )


def _names(extensions: x509.Extensions) -> tuple[str, ...]:
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _digest_of_key(key: PublicKeyTypes) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()
