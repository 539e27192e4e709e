"""Why the receiver may differ from mailauth and dkimpy, and the sentence of the RFC that makes it right.

A cause is decided from what the message, its signature and its key are, never from a result. It says which
peers differ, and in which direction: whether they pass what the receiver does not, or the other way round.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.receiver.checks.dkim.naive import canonical_body

BOTH = frozenset({"mailauth", "dkimpy"})


@dataclass(frozen=True)
class Signed:
    """A message as one of its signatures sees it. Tags are without white space at their ends."""

    raw: bytes  # the field of the signature
    tags: Mapping[str, str]
    records: Sequence[bytes]  # of its key
    fields: Sequence[tuple[bytes, bytes]]  # name as written, and value
    body: bytes
    place: int  # of the signature among the fields

    @property
    def key(self) -> Mapping[str, str]:
        return tags_of(self.records[0]) if self.records else {}

    @property
    def body_length(self) -> int:
        return len(canonical_body(self.body, self.tags.get("c", "").lower().endswith("/relaxed")))

    @property
    def length(self) -> int | None:
        return int(self.tags["l"]) if self.tags.get("l", "").isdigit() else None


@dataclass(frozen=True)
class Cause:
    peers: frozenset[str]
    they_pass: bool | None  # and we do not; None: either way
    applies: Callable[[Signed], bool]
    rfc: str


def tags_of(octets: bytes) -> dict[str, str]:
    pairs = (each.partition("=") for each in octets.decode("utf-8", "replace").split(";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _space_around_b(signed: Signed) -> bool:
    return bool(re.search(rb"[;:]\s*b(?:\s+=|=\s+|=[^;]*\s(?:;|\Z))", signed.raw.removesuffix(b"\r\n")))


def _other_from(signed: Signed) -> bool:
    there = sum(name.strip().lower() == b"from" for name, _ in signed.fields)
    listed = sum(each.strip().lower() == "from" for each in signed.tags.get("h", "").split(":"))
    return there > listed


def _is_not_wrapped(signed: Signed) -> bool:
    """Whether the key is a SEQUENCE of integers. Our keys are so long that their size takes two octets."""
    der = base64.b64decode(signed.key.get("p", ""))
    return der[:1] == b"0" and der[3:4] == b"\2"


def _signs_itself(signed: Signed) -> bool:
    """Whether h= names signatures more often than there are others below the own one."""
    below = signed.fields[signed.place + 1 :]
    others = sum(name.strip().lower() == b"dkim-signature" for name, _ in below)
    return _words(signed.tags.get("h", "")).count("dkim-signature") > others


def _words(value: str) -> list[str]:
    return [each.strip().lower() for each in value.split(":")]


def _is_strict(signed: Signed) -> bool:
    owner = signed.tags.get("i", "@example.com").rpartition("@")[2]
    return "s" in _words(signed.key.get("t", "")) and owner.lower() != signed.tags.get("d", "").lower()


CAUSES: dict[str, Cause] = {
    "white space around the value of b=": Cause(
        BOTH,
        False,
        _space_around_b,
        "RFC 6376 section 3.7: with the value of the b= tag (including all surrounding whitespace) deleted",
    ),
    "the last line has no line end": Cause(
        frozenset({"dkimpy"}),
        None,
        lambda signed: not signed.body.endswith(b"\r\n"),
        "RFC 6376 section 3.4.3: If there is no body or no trailing CRLF on the message body, a CRLF is "
        "added.",
    ),
    "white space before a colon": Cause(
        frozenset({"dkimpy"}),
        False,
        lambda signed: any(name != name.strip() for name, _ in signed.fields),
        "RFC 6376 section 3.4.2: Delete any WSP characters remaining before and after the colon separating "
        "the header field name from the header field value.",
    ),
    "a From field more than is signed": Cause(
        frozenset({"dkimpy"}),
        False,
        _other_from,
        "RFC 6376 section 5.4.2: Signers wishing to sign multiple instances of such a header field MUST "
        "include the header field name multiple times in the h= tag of the DKIM-Signature header field and "
        "MUST sign such header fields in order from the bottom of the header field block to the top.",
    ),
    "the own field among those of h=": Cause(
        BOTH,
        False,
        _signs_itself,
        "RFC 6376 section 5.4: The DKIM-Signature header field is always implicitly signed and MUST NOT be "
        "included in the h= tag except to indicate that other preexisting signatures are also signed.",
    ),
    "several records at the name of the key": Cause(
        BOTH,
        False,
        lambda signed: len(signed.records) > 1,
        "RFC 6376 section 6.1.2: If the query for the public key returns multiple key records, the Verifier "
        "can choose one of the key records or may cycle through the key records.",
    ),
    "an RSAPublicKey that is not wrapped": Cause(
        frozenset({"mailauth"}),
        False,
        _is_not_wrapped,
        "RFC 6376 section 3.6.1: an ASN.1 DER-encoded RSAPublicKey is being used in the p= tag",
    ),
    "t=s in the key": Cause(
        BOTH,
        True,
        _is_strict,
        "RFC 6376 section 3.6.1: the i= domain MUST NOT be a subdomain of d=",
    ),
    "h= of the key": Cause(
        BOTH,
        True,
        lambda signed: "sha256" not in _words(signed.key.get("h", "sha256")),
        "RFC 6376 section 6.1.2: the Verifier MUST ignore the key record and return PERMFAIL (inappropriate "
        "hash algorithm)",
    ),
    "s= of the key": Cause(
        frozenset({"mailauth"}),
        True,
        lambda signed: not {"*", "email"} & set(_words(signed.key.get("s", "*"))),
        "RFC 6376 section 3.6.1: Verifiers for a given service type MUST ignore this record if the "
        "appropriate type is not listed.",
    ),
    "l= leaves octets of the body": Cause(
        BOTH,
        True,
        lambda signed: signed.length is not None and signed.length < signed.body_length,
        "RFC 6376 section 8.2: Assessors might wish to ignore signatures that use the tag.",
    ),
    "l= is more than the body has": Cause(
        BOTH,
        True,
        lambda signed: signed.length is not None and signed.length > signed.body_length,
        "RFC 6376 section 3.5: This value MUST NOT be larger than the actual number of octets in the "
        "canonicalized message body.",
    ),
}


def causes(signed: Signed, peer: str, they_pass: bool) -> list[str]:
    """The names of the causes for which that peer may differ in that direction."""
    return [
        name
        for name, cause in CAUSES.items()
        if peer in cause.peers and cause.they_pass in (None, they_pass) and cause.applies(signed)
    ]
