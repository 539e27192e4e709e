"""The result types of RFC 8460 section 4.3, and the policies, in words for people. Pure."""

from __future__ import annotations

_RESULTS = {
    "starttls-not-supported": "the host offered no STARTTLS",
    "certificate-host-mismatch": "the certificate is for another name",
    "certificate-expired": "the certificate had expired",
    "certificate-not-trusted": "the certificate is of an authority that the sender does not trust",
    "validation-failure": "TLS failed for another reason",
    "tlsa-invalid": "the TLSA records did not fit the certificate, or were not valid",
    "dnssec-invalid": "the DNSSEC signatures were not valid",
    "dane-required": "the sender demands DANE, and found no TLSA records",
    "sts-policy-fetch-error": "the MTA-STS policy could not be fetched",
    "sts-policy-invalid": "the MTA-STS policy was not valid",
    "sts-webpki-invalid": "the HTTPS certificate of the policy host was not valid",
}
_POLICIES = {"sts": "MTA-STS", "tlsa": "DANE", "no-policy-found": "no policy"}


def in_words(result: str) -> str:
    """The words for a result type. An unknown one is named as the sender wrote it."""
    if not result:
        return "the sender did not say why"
    return _RESULTS.get(result) or f"another reason: {result}"


def policy_in_words(kind: str, mode: str) -> str:
    """The words for a type of policy, with the mode of an MTA-STS policy if it is known."""
    words = _POLICIES.get(kind) or kind or "not named"
    return f"{words}, {mode}" if mode else words
