"""DKIM signatures of a message that is still coming in (RFC 6376, RFC 8301, RFC 8463, RFC 8616).

`cryptography` verifies RSA and Ed25519, and `hashlib` hashes. What is ours is the way from a message to the
octets that were signed: tag lists, canonicalization, the choice of the header fields, the policy for keys. No
library does that for us: those for Python want the whole message in memory, call DNS themselves and block
until it answers. Here a body is hashed as it passes, in constant memory. The caller brings an asynchronous
resolver, and may stop the questions at its one deadline.
"""

from receiver.checks.dkim.signatures import Signatures

__all__ = ["Signatures"]
