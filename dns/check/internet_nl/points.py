"""The points of the mail test, with its words: what each asks for, and what was found. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

RELEASE = "1.11"
LEFT_OUT = "route authorisation (RPKI), which is up to whoever announces the addresses; and SPF, DKIM, DMARC"


class Outcome(StrEnum):
    """What came out of a point. The order is from the worst to the best."""

    FAILS = "does not hold"
    UNKNOWN = "not known from here"
    PHASE_OUT = "to be phased out"
    """It holds, and the test warns: something that is offered is at risk of becoming insecure."""
    HOLDS = "holds"


class Requirement(StrEnum):
    """How much the point counts in the test."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


IPV6 = "Modern address (IPv6)"
DNSSEC = "Signed domain names (DNSSEC)"
STARTTLS = "Secure mail server connection (STARTTLS and DANE)"

_REQUIRED, _RECOMMENDED, _OPTIONAL = Requirement
POINTS: dict[str, tuple[str, str, Requirement]] = {
    "ipv6_ns_address": (IPV6, "IPv6 addresses for name servers", _REQUIRED),
    "ipv6_ns_reach": (IPV6, "IPv6 reachability of name servers", _REQUIRED),
    "ipv6_mx_address": (IPV6, "IPv6 addresses for mail server(s)", _REQUIRED),
    "ipv6_mx_reach": (IPV6, "IPv6 reachability of mail server(s)", _REQUIRED),
    "dnssec_mailto_exist": (DNSSEC, "Email domain: DNSSEC existence", _REQUIRED),
    "dnssec_mailto_valid": (DNSSEC, "Email domain: DNSSEC validity", _REQUIRED),
    "dnssec_mx_exist": (DNSSEC, "Mail server domain(s): DNSSEC existence", _REQUIRED),
    "dnssec_mx_valid": (DNSSEC, "Mail server domain(s): DNSSEC validity", _REQUIRED),
    "starttls_tls_available": (STARTTLS, "STARTTLS available", _REQUIRED),
    "starttls_tls_version": (STARTTLS, "TLS version", _REQUIRED),
    "starttls_tls_ciphers": (STARTTLS, "Ciphers (Algorithm selections)", _REQUIRED),
    "starttls_tls_cipherorder": (STARTTLS, "Cipher order", _REQUIRED),
    "starttls_tls_keyexchange": (STARTTLS, "Key exchange parameters", _REQUIRED),
    "starttls_tls_keyexchangehash": (STARTTLS, "Hash function for key exchange", _RECOMMENDED),
    "starttls_tls_compress": (STARTTLS, "TLS compression", _REQUIRED),
    "starttls_tls_secreneg": (STARTTLS, "Secure renegotiation", _REQUIRED),
    "starttls_tls_clientreneg": (STARTTLS, "Client-initiated renegotiation", _OPTIONAL),
    "starttls_tls_0rtt": (STARTTLS, "0-RTT", _REQUIRED),
    "starttls_tls_ems": (STARTTLS, "Extended Master Secret", _REQUIRED),
    "starttls_cert_chain": (STARTTLS, "Trust chain of certificate", _OPTIONAL),
    "starttls_cert_pubkey": (STARTTLS, "Public key of certificate", _REQUIRED),
    "starttls_cert_sig": (STARTTLS, "Signature of certificate", _REQUIRED),
    "starttls_cert_domain": (STARTTLS, "Domain name on certificate", _OPTIONAL),
    "starttls_cert_caa": (STARTTLS, "CAA", _RECOMMENDED),
    "starttls_dane_exist": (STARTTLS, "DANE existence", _REQUIRED),
    "starttls_dane_valid": (STARTTLS, "DANE validity", _REQUIRED),
    "starttls_dane_rollover": (STARTTLS, "DANE rollover scheme", _OPTIONAL),
}
"""Each point by its code, which is like the one in the test's own API: category, label, requirement."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found at one name or address. `cause` says what it is, and `fix` what to do if it is wrong."""

    outcome: Outcome
    cause: str
    fix: str = ""


def holds(cause: str) -> Verdict:
    """It is as the test wants it."""
    return Verdict(Outcome.HOLDS, cause)


def fails(cause: str, fix: str) -> Verdict:
    """It is not as the test wants it."""
    return Verdict(Outcome.FAILS, cause, fix)


def phase_out(cause: str, fix: str) -> Verdict:
    """The test takes it, with a warning."""
    return Verdict(Outcome.PHASE_OUT, cause, fix)


def unknown(cause: str, fix: str = "run this from another network") -> Verdict:
    """It cannot be told from here."""
    return Verdict(Outcome.UNKNOWN, cause, fix)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the test. It is as good as the worst verdict on it."""

    code: str
    category: str
    label: str
    requirement: Requirement
    outcome: Outcome
    cause: str
    fix: str

    def to_json(self) -> dict[str, str]:
        """The point for programs."""
        return {key: str(value) for key, value in asdict(self).items()}


def point(code: str, verdicts: Iterable[Verdict]) -> Point:
    """The point with the worst outcome among the verdicts, and the causes of that outcome."""
    found = list(verdicts) or [unknown("there is nothing to look at")]
    worst = min((verdict.outcome for verdict in found), key=list(Outcome).index)
    causes = dict.fromkeys(verdict.cause for verdict in found if verdict.outcome is worst)
    fixes = dict.fromkeys(verdict.fix for verdict in found if verdict.outcome is worst and verdict.fix)
    category, label, requirement = POINTS[code]
    return Point(code, category, label, requirement, worst, "; ".join(causes), "; ".join(fixes))
