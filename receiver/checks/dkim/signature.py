"""A DKIM-Signature field as checked values (RFC 6376 sections 3.5 and 6.1.1). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from receiver.checks.dkim import tags
from receiver.checks.dkim.tags import Refused
from receiver.checks.dns_query import is_askable

_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")
_ALGORITHMS = frozenset({"rsa-sha256", "ed25519-sha256", "rsa-sha1"})
_CANONICALIZATIONS = frozenset({"simple", "relaxed"})
_NUMBER = re.compile(r"[0-9]{1,76}")
_HASH_SIZE = 32  # of SHA-256, in octets


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that can be verified. Domains are in lower case and A-labels. The hash is SHA-256."""

    raw: bytes  # the whole field
    domain: str
    selector: str
    identity: str
    algorithm: str
    shown: str  # the first characters of b= (RFC 6008)
    key_kind: str  # rsa or ed25519
    relaxed_header: bool
    relaxed_body: bool
    length: int | None  # of the signed part of the canonicalized body, in octets
    fields: tuple[bytes, ...]  # names of h= in lower case
    body_hash: bytes
    signature: bytes
    expires: int | None  # seconds since 1970
    has_subdomain: bool  # whether the domain of i= is below that of d=

    @property
    def key_name(self) -> str:
        """Where the key is published (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def parse(raw: bytes, about: dict[str, str]) -> Signature:
    """Parse a whole field. Raises Refused.

    `about` gets what is known of the signature, by the names of `results.DKIM`, also if it is refused.
    """
    found = tags.parse(raw.partition(b":")[2])
    missing = [name for name in _REQUIRED if not found.get(name)]
    if missing:
        raise Refused("permerror", f"no {missing[0]}=")
    # The grammar wants two labels at least, so a signature of a whole top-level domain is none.
    domain = about["domain"] = tags.domain(found["d"], "d", fewest=2)
    selector = about["selector"] = tags.domain(found["s"], "s")
    if not is_askable(f"{selector}._domainkey.{domain}"):
        raise Refused("permerror", "the name of the key is too long")
    signature = tags.from_base64(found["b"], "b")
    about["signature"] = "".join(found["b"].split())[:12]
    if found["v"] != "1":
        raise Refused("permerror", "v= is not 1")
    algorithm = found["a"].lower()
    if algorithm not in _ALGORITHMS:
        raise Refused("permerror", "unknown algorithm")
    about["algorithm"] = algorithm
    about["identity"], owner = _identity(found.get("i"), domain)
    if algorithm == "rsa-sha1":
        raise Refused("policy", "rsa-sha1 proves nothing")  # RFC 8301 section 3.1
    header, _, body = found.get("c", "simple/simple").lower().partition("/")
    body = body if "/" in found.get("c", "/") else "simple"
    if header not in _CANONICALIZATIONS or body not in _CANONICALIZATIONS:
        raise Refused("permerror", "unknown canonicalization")
    if "dns/txt" not in tags.words(found.get("q", "dns/txt")):
        raise Refused("permerror", "unknown q=")
    names = tuple(word.encode() for word in tags.words(found["h"]) if word)
    if b"from" not in names:
        raise Refused("permerror", "the From field is not signed")
    signed, expires = _number(found, "t"), _number(found, "x")
    if signed is not None and expires is not None and expires <= signed:
        raise Refused("permerror", "x= is not after t=")
    body_hash = tags.from_base64(found["bh"], "bh")
    if len(body_hash) != _HASH_SIZE:
        raise Refused("permerror", "bh= is no hash")
    return Signature(
        raw=raw,
        domain=domain,
        selector=selector,
        identity=about["identity"],
        algorithm=algorithm,
        shown=about["signature"],
        key_kind=algorithm.partition("-")[0],
        relaxed_header=header == "relaxed",
        relaxed_body=body == "relaxed",
        length=_number(found, "l"),
        fields=names,
        body_hash=body_hash,
        signature=signature,
        expires=expires,
        has_subdomain=owner != domain,
    )


def _identity(value: str | None, domain: str) -> tuple[str, str]:
    """The value of i= and its domain, which is that of d= or below it."""
    if value is None:
        return f"@{domain}", domain
    identity = tags.from_quoted_printable(value)
    _, at, owner = identity.rpartition("@")
    owner = tags.domain(owner, "i")
    if not at or not f".{owner}".endswith(f".{domain}"):
        raise Refused("permerror", "i= is outside of d=")
    return identity, owner


def _number(found: dict[str, str], name: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise Refused("permerror", f"{name}= is no number")
    return int(value)
