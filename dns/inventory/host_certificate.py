"""The certificate that a host wants from an authority, read from the inventory. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dns.names import a_label, did_you_mean

KEYS = ("certificate", "certificate_profile", "certificate_proof")
AUTHORITIES = ("letsencrypt", "letsencrypt-staging")
# Without what a shell or a unit file could read in another way.
_URL = re.compile(r"https://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/?=&-]*)?")
_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class WantedCertificate:
    """A certificate of an authority: one of `AUTHORITIES`, or the URL of an ACME directory (RFC 8555, 7.1.1).

    `profile` is one of the authority's; empty is its own choice. `proof` is the zone that `_acme-challenge`
    of the host leads to by an alias; empty is the zone that holds the host's name.
    """

    authority: str
    profile: str = ""
    proof: str = ""


def from_data(data: Mapping[str, object], problems: Mapping[str, list[str]]) -> WantedCertificate | None:
    """What is wanted, or None for a self-signed certificate. `problems` gets what is wrong, by key."""
    authority, profile, proof = (data.get(key) for key in KEYS)
    if authority is None:
        for key in KEYS[1:]:
            if data.get(key) is not None:
                problems[key].append(f"{key} says nothing without certificate: add it, or take this out")
        return None
    if authority not in AUTHORITIES and not (isinstance(authority, str) and _URL.fullmatch(authority)):
        guess = did_you_mean(str(authority), AUTHORITIES)
        problems["certificate"].append(
            f"certificate {authority!r} is not {' or '.join(AUTHORITIES)}{guess}, nor the https:// URL of an "
            "ACME directory: correct it, or leave it out for a self-signed certificate"
        )
    if profile is not None and not (isinstance(profile, str) and _PROFILE.fullmatch(profile)):
        problems["certificate_profile"].append(
            f"certificate_profile {profile!r} is no name of a profile: write one of the authority's, such as "
            "tlsserver, or leave it out"
        )
    zone = ""
    if proof is not None:
        try:
            zone = a_label(proof) if isinstance(proof, str) else ""
        except ValueError:
            zone = ""
        if not zone:
            problems["certificate_proof"].append(
                f"certificate_proof {proof!r} is no name of a zone: write one such as example.net"
            )
    return WantedCertificate(str(authority), str(profile or ""), zone)
