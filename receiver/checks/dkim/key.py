"""A key record as checked values (RFC 6376 section 3.6.1, RFC 8463 section 4, RFC 8460 section 3). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from receiver.checks.dkim import tags
from receiver.checks.dkim.signature import Signature
from receiver.checks.dkim.tags import Refused

_KINDS = frozenset({"rsa", "ed25519"})
_MAIL, _REPORTS = frozenset({"*", "email"}), "tlsrpt"
_LONGEST_KEPT = 2048  # octets of a record. A key of 8,192 bits has about 1,400.


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is published for e-mail."""

    kind: str  # rsa or ed25519
    octets: bytes  # of p=
    hashes: frozenset[str]  # which alone may be used; empty: any
    is_strict: bool  # t=s: the domain of i= must be that of d=
    is_testing: bool  # t=y
    services: frozenset[str]  # s=, of which one is `*`, email or tlsrpt (RFC 8460 section 3)


def parse(record: bytes) -> Key:
    """Parse a TXT record. Raises Refused."""
    key = _kept(record) if len(record) <= _LONGEST_KEPT else _parsed(record)
    if isinstance(key, Refused):
        raise key
    return key


def check(key: Key, signature: Signature, *, in_report: bool = False) -> None:
    """Raises Refused if the owner of the key did not publish it for such signatures.

    `in_report` says that the mail is a TLS report, which a key for reports alone may sign.
    """
    if not (_MAIL & key.services or in_report):
        raise Refused("permerror", "the key is for TLS reports alone")
    if key.kind != signature.key_kind:
        raise Refused("permerror", "the key is of another kind")
    if key.hashes and "sha256" not in key.hashes:
        raise Refused("permerror", "the key is not for SHA-256")
    if key.is_strict and signature.has_subdomain:
        raise Refused("permerror", "the key forbids subdomains in i=")


def _parsed(record: bytes) -> Key | Refused:
    try:
        return _parse(record)
    except Refused as refused:
        return Refused(refused.result, refused.reason)  # without the traceback, since it may be kept


_kept = lru_cache(256)(_parsed)


def _parse(record: bytes) -> Key:
    try:
        found = tags.parse(record)
    except Refused as refused:
        raise Refused("permerror", f"key record: {refused}") from None
    if "v" in found and (found["v"] != "DKIM1" or next(iter(found)) != "v"):
        raise Refused("permerror", "key record of another version")
    services = frozenset(tags.words(found.get("s", "*"))) & {*_MAIL, _REPORTS}
    if not services:
        raise Refused("permerror", "the key is not for e-mail")
    if "p" not in found:
        raise Refused("permerror", "key record without p=")
    if not found["p"]:
        raise Refused("permerror", "the key was revoked")
    kind = found.get("k", "rsa").lower()
    if kind not in _KINDS:
        raise Refused("permerror", "unknown kind of key")
    flags = tags.words(found.get("t", ""))
    hashes = frozenset(tags.words(found.get("h", ""))) - {""}
    return Key(kind, tags.from_base64(found["p"], "p"), hashes, "s" in flags, "y" in flags, services)
