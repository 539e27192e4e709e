"""The results of the checks, in the words of RFC 8601 section 2.7.

A `result` is one of none, pass, fail, softfail, neutral, policy, temperror and permerror. A check that could
not be decided because DNS did not answer is temperror, never fail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reverse:
    """iprev (RFC 8601 section 3): whether a name of the peer's address leads back to the address."""

    result: str  # pass, fail, temperror or permerror
    name: str = ""  # the name that leads back, or for a fail the first name


@dataclass(frozen=True, slots=True)
class SPF:
    """SPF (RFC 7208): whether the peer's address may send mail for a domain."""

    result: str
    domain: str = ""  # the domain that was checked
    identity: str = "mailfrom"  # mailfrom or helo: which identity was checked
    sender: str = ""  # the address of MAIL FROM, or the name of HELO
    reason: str = ""
    explanation: str = ""  # the domain's own words for a fail. They are a stranger's: never log or send them.


@dataclass(frozen=True, slots=True)
class DKIM:
    """One DKIM signature (RFC 6376)."""

    result: str
    reason: str = ""
    domain: str = ""  # d=
    selector: str = ""  # s=
    identity: str = ""  # i=
    algorithm: str = ""  # a=
    signature: str = ""  # the first characters of b= (RFC 6008)
    bits: int = 0  # of the key
    testing: bool = False  # whether the key has t=y


@dataclass(frozen=True, slots=True)
class DMARC:
    """DMARC (RFC 9989): whether SPF or DKIM vouch for the domain of the From field."""

    result: str  # none, pass, fail, temperror or permerror
    reason: str = ""
    domain: str = ""  # the author's domain
    policy: str = ""  # what its owner asks for if it fails: none, quarantine or reject
    published_at: str = ""  # the domain whose record has the policy
    method: str = ""  # for a pass: dkim or spf
    aligned: str = ""  # for a pass: the domain that method vouches for
