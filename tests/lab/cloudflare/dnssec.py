"""DNSSEC of a zone as the API shows it: who signs, the DS for the registrar, and the five states.

https://developers.cloudflare.com/dns/dnssec/dnssec-states/

Who really signs is behind `Signer`: a fixed key, or commands that ask the nameserver behind the stand-in.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.lab.cloudflare.refusals import invalid

NAMES = {"13": "ECDSAP256SHA256"}  # RFC 8624, and the one that Cloudflare signs with
EXAMPLE_KEY = (
    "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="
)


class Signer(Protocol):
    """What signs the zones."""

    def sign(self, zone: str) -> str:
        """Sign the zone from now on. Returns the key that signs keys, as the rdata of its DNSKEY."""

    def at_parent(self, zone: str) -> frozenset[str]:
        """The DS that the zone's parent answers, as rdata."""


@dataclass(slots=True)
class FixedKey:
    """One key for all zones. Nothing is signed. A test says what DS the parent has."""

    key: str = EXAMPLE_KEY
    parent: dict[str, str] = field(default_factory=dict)

    def sign(self, zone: str) -> str:
        return self.key

    def at_parent(self, zone: str) -> frozenset[str]:
        return frozenset(filter(None, [self.parent.get(zone)]))


@dataclass(frozen=True, slots=True)
class Commands:
    """`COMMAND sign ZONE` signs it and prints the DNSKEY's rdata; `COMMAND ds ZONE` prints the parent's DS.

    Each prints a record's rdata a line, as `kdig +short` does. Of several keys the one with the flag SEP
    counts (RFC 4034, 2.1.1).
    """

    command: str

    def sign(self, zone: str) -> str:
        keys = [line for line in self._lines("sign", zone) if int(line.split()[0]) & 1]
        if not keys:
            raise RuntimeError(f"{self.command} sign {zone}: printed no key that signs keys")
        return keys[0]

    def at_parent(self, zone: str) -> frozenset[str]:
        return frozenset(self._lines("ds", zone))

    def _lines(self, *words: str) -> list[str]:
        line = f"{self.command} {shlex.join(words)}"
        done = subprocess.run(line, shell=True, check=True, capture_output=True, text=True, timeout=30)
        return [text for text in done.stdout.splitlines() if text.strip() and not text.startswith(";")]


def ds_of(zone: str, key: str) -> tuple[int, str]:
    """The key tag (RFC 4034, appendix B) and the SHA-256 digest of a DNSKEY (RFC 4509), in upper case."""
    flags, protocol, algorithm, *encoded = key.split()
    rdata = (
        int(flags).to_bytes(2, "big")
        + bytes([int(protocol), int(algorithm)])
        + base64.b64decode("".join(encoded))
    )
    total = sum(octet << 8 if place % 2 == 0 else octet for place, octet in enumerate(rdata))
    labels = zone.lower().rstrip(".").split(".")
    owner = b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels) + b"\0"
    return (total + (total >> 16)) & 0xFFFF, hashlib.sha256(owner + rdata).hexdigest().upper()


def switched_to(sent: Mapping[str, Any]) -> bool:
    """Whether the body of a PATCH switches DNSSEC on. Raises Refusal."""
    if sent.get("status") not in ("active", "disabled"):
        raise invalid(1002, 'Invalid or missing "status"')
    return sent["status"] == "active"


def described(
    zone: str, key: str, parent: frozenset[str], modified: str | None, *, on: bool
) -> dict[str, Any]:
    """The zone's DNSSEC as `GET /zones/…/dnssec` answers it. `key` is empty if it was never signed."""
    empty = dict.fromkeys(
        ("flags", "algorithm", "key_type", "digest_type", "digest_algorithm", "digest", "ds", "key_tag",
         "public_key")
    )  # fmt: skip
    if not key:
        return {"status": "disabled", **empty, "modified_on": modified}
    flags, _, algorithm, *public = key.split()
    tag, digest = ds_of(zone, key)
    rdata = f"{tag} {algorithm} 2 {digest}"
    known = {" ".join(ds.upper().split()[:3]) + " " + "".join(ds.upper().split()[3:]) for ds in parent}
    is_there = rdata in known
    status = ("active" if is_there else "pending") if on else ("pending-disabled" if is_there else "disabled")
    return {
        "status": status,
        "flags": int(flags),
        "algorithm": algorithm,
        "key_type": NAMES.get(algorithm, algorithm),
        "digest_type": "2",
        "digest_algorithm": "SHA256",
        "digest": digest,
        "ds": f"{zone}. 3600 IN DS {rdata}",
        "key_tag": tag,
        "public_key": "".join(public),
        "modified_on": modified,
    }
