"""The hash of the signed header fields (RFC 6376 sections 3.4, 3.7 and 5.4.2). Pure.

A header section is bounded, and a signature hashes each field at most once. A field is canonicalized at most
once a message, so many signatures of a large header section cost little more than one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from receiver.checks.dkim.signature import Signature

# The value of b= goes up to the next semicolon, so its white space and line ends go with it.
_B = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class Header:
    """The fields of a message, as `header_fields.split` gives them."""

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._fields = fields
        self._relaxed: dict[int, bytes] = {}
        self._digests: dict[int, bytes] = {}
        self._numbers: dict[bytes, list[int]] = {}
        for number, (name, _) in enumerate(fields):
            self._numbers.setdefault(name, []).append(number)

    def digest(self, signature: Signature, own: int) -> bytes:
        """SHA-256 of what was signed. `own` is the number of the signature's field among the fields.

        A name that is there more often than the field signs its absence. The field of the signature itself
        is never among those of h=.
        """
        digest = self._digests.get(own)
        if digest is None:
            digest = self._digests[own] = self._digest(signature, own)
        return digest

    def _digest(self, signature: Signature, own: int) -> bytes:
        signed: list[bytes] = []
        left: dict[bytes, list[int]] = {}
        for name in signature.fields:
            numbers = left.get(name)
            if numbers is None:
                numbers = left[name] = [each for each in self._numbers.get(name, ()) if each != own]
            if numbers:
                number = numbers.pop()
                raw = self._fields[number][1]
                signed.append(self._relaxed_field(number) if signature.relaxed_header else raw)
        field = without_signature(signature.raw)
        signed.append((relaxed(field) if signature.relaxed_header else field).removesuffix(b"\r\n"))
        return hashlib.sha256(b"".join(signed)).digest()

    def _relaxed_field(self, number: int) -> bytes:
        field = self._relaxed.get(number)
        if field is None:
            field = self._relaxed[number] = relaxed(self._fields[number][1])
        return field


def without_signature(raw: bytes) -> bytes:
    """A DKIM-Signature field whose b= is empty."""
    name, colon, value = raw.partition(b":")
    return name + colon + _B.sub(rb"\1", value, count=1)


def relaxed(raw: bytes) -> bytes:
    """A whole field in relaxed canonicalization (RFC 6376 section 3.4.2)."""
    name, _, value = raw.partition(b":")
    value = value.replace(b"\r\n", b"").replace(b"\t", b" ")
    while b"  " in value:
        value = value.replace(b"  ", b" ")
    return name.rstrip(b" \t").lower() + b":" + value.strip(b" ") + b"\r\n"
