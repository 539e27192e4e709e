"""The hellos that a TLS client sends: octets for one handshake, made to ask one question. Pure.

Sources: RFC 5246 (TLS 1.2), RFC 8446 (TLS 1.3), RFC 6101 (SSL 3.0), and for SSL 2.0 RFC 6101, appendix E.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Version(IntEnum):
    """A version, as a hello names it on the wire."""

    SSL_2_0 = 0x0002
    SSL_3_0 = 0x0300
    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304

    def __str__(self) -> str:
        """As people write it."""
        return self.name.replace("_", " ", 1).replace("_", ".")


# Extensions (IANA, TLS ExtensionType Values).
SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES = 0, 10, 11, 13
EXTENDED_MASTER_SECRET, VERSIONS, KEY_SHARE, RENEGOTIATION_INFO = 23, 43, 51, 0xFF01

GROUP_NAMES = {
    19: "secp192r1",
    21: "secp224r1",
    22: "secp256k1",
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "x25519",
    30: "x448",
    1: "sect163k1",
    3: "sect163r2",
    6: "sect233k1",
    9: "sect283k1",
    11: "sect409k1",
    13: "sect571k1",
    7: "sect233r1",
    10: "sect283r1",
    12: "sect409r1",
    14: "sect571r1",
    16: "secp160r1",
    20: "secp224k1",
}
"""The elliptic curves that are offered (IANA, TLS Supported Groups)."""
CURVES = tuple(GROUP_NAMES)
CURVES_1_3 = (23, 24, 25, 29, 30)  # those that TLS 1.3 has (RFC 8446, section 4.2.7)

SHA1_HASHES = (0x0203, 0x0201, 0x0202, 0x0103, 0x0101)  # SHA-1, and MD5, with ECDSA, RSA and DSA
SHA224_HASHES = (0x0303, 0x0301, 0x0302)
ALL_HASHES = (
    *(0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0807, 0x0808),
    *(0x0401, 0x0501, 0x0601, *SHA224_HASHES, *SHA1_HASHES),
)
"""Schemes for signatures (RFC 8446, section 4.2.3; RFC 5246, section 7.4.1.4.1)."""
DEFLATE = 1  # RFC 3749


@dataclass(frozen=True, slots=True)
class Hello:
    """What is offered. TLS 1.3 is offered alone and without a key, so that the server names a group first."""

    version: Version
    ciphers: Sequence[int]
    groups: Sequence[int] = CURVES
    signatures: Sequence[int] = ALL_HASHES
    server_name: str = ""

    def octets(self) -> bytes:
        """The hello in a record of its own."""
        if self.version is Version.SSL_2_0:
            return _ssl_2_hello()
        modern = self.version is Version.TLS_1_3
        body = min(self.version, Version.TLS_1_2).to_bytes(2, "big") + os.urandom(32)
        body += _vector(1, os.urandom(32) if modern else b"")
        body += _vector(2, _numbers(self.ciphers))
        body += _vector(1, bytes([0] if modern else [DEFLATE, 0]))
        if self.version is not Version.SSL_3_0:
            body += _vector(2, self._extensions())
        message = b"\x01" + _vector(3, body)
        outer = Version.SSL_3_0 if self.version is Version.SSL_3_0 else Version.TLS_1_0
        return b"\x16" + outer.to_bytes(2, "big") + _vector(2, message)

    def _extensions(self) -> bytes:
        said: list[tuple[int, bytes]] = []
        if self.server_name:
            name = b"\x00" + _vector(2, self.server_name.encode("ascii"))
            said.append((SERVER_NAME, _vector(2, name)))
        said += [(GROUPS, _vector(2, _numbers(self.groups))), (POINT_FORMATS, b"\x01\x00")]
        if self.version >= Version.TLS_1_2:
            said.append((SIGNATURES, _vector(2, _numbers(self.signatures))))
        if self.version is Version.TLS_1_3:
            said.append((VERSIONS, _vector(1, _numbers([self.version]))))
            said.append((KEY_SHARE, _vector(2, b"")))
        else:
            said += [(EXTENDED_MASTER_SECRET, b""), (RENEGOTIATION_INFO, b"\x00")]
        return b"".join(kind.to_bytes(2, "big") + _vector(2, data) for kind, data in said)


def _ssl_2_hello() -> bytes:
    ciphers = b"".join(
        code.to_bytes(3, "big") for code in (0x010080, 0x020080, 0x030080, 0x040080, 0x060040, 0x0700C0)
    )
    challenge = os.urandom(16)
    body = b"\x01\x00\x02" + len(ciphers).to_bytes(2, "big") + b"\x00\x00\x00\x10" + ciphers + challenge
    return (0x8000 | len(body)).to_bytes(2, "big") + body


def _vector(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _numbers(values: Sequence[int]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)
