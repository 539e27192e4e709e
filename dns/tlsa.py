"""TLSA records: which key a mail host proves itself with (RFC 6698, RFC 7672). Pure.

Ours are `3 1 1`: the SHA-256 digest of the key that the host itself serves (DANE-EE, SPKI, SHA-256), the only
form that needs no authority and outlives every certificate of the key (RFC 7671, section 5.1).

A digest is 64 hexadecimal digits in lower case. The digest of nothing is refused: a failed command leaves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PREFIX = "_25._tcp"
TYPE = "TLSA"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of no octets."""
TTL = 1
"""Cloudflare's automatic one, 300 s, whatever the domain's `ttl`. A rekey waits two of these, so it decides
how soon a key that leaked can be left. It never changes, so no sender keeps an older answer for longer."""

_DIGEST = re.compile("[0-9a-f]{64}")


def name_of(hostname: str) -> str:
    """Where senders ask for the keys of this mail host (RFC 7672, section 2.2.3)."""
    return f"{PREFIX}.{hostname}"


def host_of(name: str) -> str | None:
    """The mail host whose keys stand at this name; None for a name of another kind."""
    return name.removeprefix(f"{PREFIX}.") if name.startswith(f"{PREFIX}.") else None


def problem_with(digest: str) -> str:
    """Why this is no digest of a key, in words. Empty if it is one."""
    if not _DIGEST.fullmatch(digest):
        return f"{digest[:80]!r} is not a SHA-256 digest of 64 hexadecimal digits"
    return "it is the digest of nothing, so a command has failed" if digest == NOTHING else ""


def content(digest: str) -> str:
    """The record data for a key. Raises ValueError if this is no digest of a key."""
    if problem := problem_with(digest):
        raise ValueError(problem)
    return f"3 1 1 {digest}"


def digests(contents: Iterable[str]) -> frozenset[str]:
    """The digests among these record data that are `3 1 1`, as `canonical` writes them."""
    return frozenset(text.removeprefix("3 1 1 ") for text in contents if text.startswith("3 1 1 "))


def canonical(text: str) -> str:
    """Record data in one form: three numbers, and hexadecimal digits in lower case without spaces."""
    words = text.split()
    if len(words) < 4 or not all(word.isdecimal() and word.isascii() for word in words[:3]):
        return text.strip().lower()
    return " ".join([*(str(int(word)) for word in words[:3]), "".join(words[3:]).lower()])


def to_data(text: str) -> dict[str, object]:
    """The record data as Cloudflare takes it. Raises ValueError if it does not have the four parts."""
    usage, selector, matching_type, certificate = text.split(" ")
    return {
        "usage": int(usage),
        "selector": int(selector),
        "matching_type": int(matching_type),
        "certificate": certificate,
    }


def key_digest(certificate: bytes) -> str:
    """The SHA-256 digest of a certificate's key, with its algorithm (SPKI). The certificate is in DER.

    Raises ValueError if it cannot be read.
    """
    import hashlib  # late: only a domain with DANE needs these

    return hashlib.sha256(_spki(certificate)).hexdigest()


def matches(text: str, certificate: bytes) -> bool | None:
    """Whether a host with this certificate (DER) has the key, or the certificate, of the record data.

    None if that cannot be told from the certificate alone, because the data names an authority (DANE-TA).
    False for the usages 0 and 1, which senders of mail ignore (RFC 7672, section 3.1.3), and for data that
    cannot be read.
    """
    import hashlib

    words = text.split(" ")
    if len(words) != 4 or words[0] not in ("2", "3"):
        return False
    if words[0] == "2":
        return None
    chosen = {"0": certificate, "1": _spki(certificate)}.get(words[1], b"")
    digests_of = {
        "0": chosen.hex(),
        "1": hashlib.sha256(chosen).hexdigest(),
        "2": hashlib.sha512(chosen).hexdigest(),
    }
    return bool(chosen) and digests_of.get(words[2]) == words[3]


def _spki(certificate: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    key = load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
