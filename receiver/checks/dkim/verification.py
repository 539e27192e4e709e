"""Public keys, and whether a signature is theirs. It is the one module of the checks with `cryptography`.

It is imported late: where the compiled library does not load, mail is still taken.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from receiver.checks.dkim.tags import Refused

PublicKey = RSAPublicKey | Ed25519PublicKey

_FEWEST_BITS, _MOST_BITS = 1024, 8192  # of RSA (RFC 8301 section 3.2)
_LARGEST_EXPONENT = (
    1 << 33
)  # All keys in use have 3, 17 or 65537. A large one costs as much as a private key.
_LONGEST_KEY = 4096  # octets
_PADDING, _HASH = PKCS1v15(), Prehashed(SHA256())


@lru_cache(256)
def _loaded(kind: str, octets: bytes) -> PublicKey | None:
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        key = load_der_public_key(octets)  # SubjectPublicKeyInfo or RSAPublicKey (RFC 6376 erratum 3017)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) and key.public_numbers().e < _LARGEST_EXPONENT else None


def load(kind: str, octets: bytes) -> PublicKey:
    """Load a key of p=. `kind` is rsa or ed25519. Raises Refused."""
    key = _loaded(kind, octets) if len(octets) <= _LONGEST_KEY else None
    if key is None:
        raise Refused("permerror", "the key cannot be used")
    return key


def bits(key: PublicKey) -> int:
    """The size of the key."""
    return key.key_size if isinstance(key, RSAPublicKey) else 256


def check_size(size: int, kind: str) -> None:
    """Raises Refused if a key of RSA is too small to be believed, or so large that it takes too long."""
    if kind == "rsa" and size < _FEWEST_BITS:
        raise Refused("policy", f"a key of {size} bits proves nothing")
    if kind == "rsa" and size > _MOST_BITS:
        raise Refused("policy", f"a key of {size} bits is too large")


def is_signed(key: PublicKey, digest: bytes, signature: bytes) -> bool:
    """Whether the key signed what has this SHA-256 (RFC 6376 section 3.3, RFC 8463 section 3)."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, digest, _PADDING, _HASH)
        else:
            key.verify(signature, digest)
    except (InvalidSignature, ValueError):
        return False
    return True
