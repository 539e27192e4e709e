"""Canonicalization of whole messages, sentence by sentence as RFC 6376 section 3.4 has it, and a signer.

It shares no code with the receiver, so that the tests compare two readings of the RFC.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

Field = tuple[bytes, bytes]
"""The name as written, and all that stands after the colon, without the final CRLF."""


def simple_body(body: bytes) -> bytes:
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line) for line in body.split(b"\r\n")]
    lines = [line[:-1] if line.endswith(b" ") else line for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def canonical_body(body: bytes, relaxed: bool) -> bytes:
    return relaxed_body(body) if relaxed else simple_body(body)


def canonical_field(name: bytes, value: bytes, relaxed: bool) -> bytes:
    if not relaxed:
        return name + b":" + value + b"\r\n"
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + value + b"\r\n"


def sign(
    fields: Sequence[Field],
    body: bytes,
    key: RSAPrivateKey | Ed25519PrivateKey,
    tags: Mapping[str, str],
    signed: Sequence[bytes] = (b"from", b"subject"),
    broken: bool = False,
) -> bytes:
    """A DKIM-Signature field with its CRLF. `tags` come before bh= and b=; `broken` spoils the signature."""
    header, _, canonical = tags.get("c", "simple/simple").lower().partition("/")
    octets = canonical_body(body, canonical == "relaxed")
    if tags.get("l", "").isdigit():
        octets = octets[: int(tags["l"])]
    bh = base64.b64encode(hashlib.sha256(octets).digest()).decode()
    listed = [f"{name}={value}" for name, value in tags.items()]
    if "h" not in tags:
        listed.append("h=" + ":".join(name.decode() for name in signed))
    if "bh" not in tags:
        listed.append(f"bh={bh}")
    before = " " + ";\r\n\t".join(listed) + ";\r\n\tb="
    return sign_field(
        fields, key, b"DKIM-Signature", before.encode(), b"", header == "relaxed", signed, broken
    )


def sign_field(
    fields: Sequence[Field],
    key: RSAPrivateKey | Ed25519PrivateKey,
    name: bytes,
    before: bytes,
    after: bytes,
    relaxed: bool,
    signed: Sequence[bytes],
    broken: bool = False,
) -> bytes:
    """A signature's field with its CRLF, from what stands before and after the value of b=."""
    left = list(fields)
    data = b""
    for each in signed:
        for at in range(len(left) - 1, -1, -1):
            if left[at][0].strip(b" \t").lower() == each.lower():
                data += canonical_field(*left.pop(at), relaxed)
                break
    # "With the value of the b= tag (including all surrounding whitespace) deleted" (RFC 6376 section 3.7).
    data += canonical_field(name, before.rstrip() + after.lstrip(), relaxed)[:-2]
    if isinstance(key, RSAPrivateKey):
        signature = key.sign(data, PKCS1v15(), SHA256())
    else:
        signature = key.sign(hashlib.sha256(data).digest())
    if broken:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return name + b":" + before + base64.b64encode(signature) + after + b"\r\n"
