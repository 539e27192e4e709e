"""The groups of a key exchange, and the level that internet.nl gives each. Pure.

Source: TLS guidelines of NCSC-NL of 2025, sections 3.3.2.1 and 3.3.3.1.
"""

from __future__ import annotations

from functools import cache

from dns.check.internet_nl.ciphers import Level
from dns.check.internet_nl.hello import GROUP_NAMES

_GOOD = (
    *("secp256r1", "secp384r1", "secp521r1", "x25519", "x448"),
    *("brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"),
)
# The size in bits of each prime of RFC 7919, appendix A, and the constant in its formula.
_CONSTANTS = {3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}


def curve_name(number: int) -> str:
    """The name of the elliptic curve, or its number in IANA's TLS Supported Groups."""
    return GROUP_NAMES.get(number, "a curve without a name" if number == 0xFFFF else f"curve {number}")


def curve_level(number: int) -> Level:
    """The level of an elliptic curve."""
    name = curve_name(number)
    if name in _GOOD:
        return Level.GOOD
    return Level.PHASE_OUT if name == "secp224r1" else Level.INSUFFICIENT


def prime_name(prime: int) -> str:
    """What the group of this prime is called."""
    bits = prime.bit_length()
    return f"ffdhe{bits}" if bits in _CONSTANTS and prime == named_prime(bits) else f"DH of {bits} bits"


def prime_level(prime: int) -> Level:
    """The level of a finite field: at best to be phased out, and that only with a prime of RFC 7919."""
    return Level.PHASE_OUT if prime_name(prime).startswith("ffdhe") else Level.INSUFFICIENT


@cache
def named_prime(bits: int) -> int:
    """The prime of this size in RFC 7919: 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1."""
    guard = 64  # bits more than needed, so that the sum's last digits do not matter
    term = total = 1 << (bits - 130 + guard)
    divisor = 1
    while term:
        term //= divisor
        total += term
        divisor += 1
    digits = (total >> guard) + _CONSTANTS[bits]
    return (1 << bits) - (1 << (bits - 64)) + (digits << 64) - 1
