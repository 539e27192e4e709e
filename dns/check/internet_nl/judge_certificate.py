"""The points about certificates: what was served on port 25, and who may issue them. Pure.

Sources: TLS guidelines of NCSC-NL of 2025, sections 3.3.2 and 3.3.5; RFC 8659 for CAA.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from dns.check.internet_nl.judge_tls import LATE, is_reached, unreached
from dns.check.internet_nl.points import Point, Verdict, fails, holds, phase_out, point, unknown
from dns.errors import SyncError
from dns.world.answers import Answer
from dns.world.seen import AddressSeen, Seen

GOOD_RSA, LEAST_RSA = 3072, 2048  # bits
_GOOD_CURVES = (
    *("secp256r1", "secp384r1", "secp521r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"),
)
_GOOD_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
AUTHORITY = 'set "certificate": "letsencrypt" for the host'

Problem = Callable[[str, tuple[str, ...], datetime], str]
Chain = tuple[x509.Certificate, ...]


def points(seen: Seen, caa: Mapping[str, Answer], problem_with: Problem, now: datetime) -> Iterator[Point]:
    """The points about certificates, in the order of the test.

    `caa` has for each mail host what is answered for CAA at its name, or at the closest name above that has
    any. `problem_with` says what is wrong with a chain for a name (`dns.mta_sts.certificates`).
    """
    lost = list(unreached(seen))
    places = [place for place in seen.addresses if is_reached(place)]

    def trust(place: AddressSeen, chain: Chain) -> Verdict:
        names = _names(chain[0])
        name = place.hostname if _covers(names, place.hostname) else next(iter(names), place.hostname)
        served = place.greeting.chain if place.greeting else ()
        try:
            problem = problem_with(name, served, now)
        except SyncError as error:
            return unknown(f"{_where(place)}: {error}", LATE)
        return fails(f"{_where(place)}: {problem}", AUTHORITY) if problem else holds("trusted")

    judges: dict[str, Callable[[AddressSeen, Chain], Verdict]] = {
        "starttls_cert_chain": trust,
        "starttls_cert_pubkey": _public_key,
        "starttls_cert_sig": _signature,
        "starttls_cert_domain": _domain,
    }
    for code, judge in judges.items():
        yield point(code, [*(_judged(place, judge) for place in places), *lost])
    yield point("starttls_cert_caa", [_caa(host.hostname, caa.get(host.hostname)) for host in seen.hosts])


def _where(place: AddressSeen) -> str:
    return f"{place.hostname} ({place.address})"


def _judged(place: AddressSeen, judge: Callable[[AddressSeen, Chain], Verdict]) -> Verdict:
    served = place.greeting.chain if place.greeting else ()
    if not served:
        return unknown(f"{_where(place)}: no certificate was seen", LATE)
    try:
        chain = tuple(x509.load_der_x509_certificate(base64.b64decode(each)) for each in served)
        return judge(place, chain)
    except ValueError as error:
        return unknown(f"{_where(place)}: its certificate cannot be read ({error})", LATE)


def _without_roots(chain: Chain) -> Chain:
    """The chain without authorities that signed themselves, whose keys a sender has anyway."""
    return (chain[0], *(each for each in chain[1:] if each.issuer != each.subject))


def _public_key(place: AddressSeen, chain: Chain) -> Verdict:
    old: list[str] = []
    for certificate in _without_roots(chain):
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            said = f"RSA of {key.key_size} bits in the certificate of {_called(certificate)}"
            if key.key_size < LEAST_RSA:
                return fails(f"{_where(place)}: {said}", "use ECDSA, or RSA of 3072 bits")
            old += [said] if key.key_size < GOOD_RSA else []
        elif isinstance(key, ec.EllipticCurvePublicKey):
            said = f"the curve {key.curve.name} in the certificate of {_called(certificate)}"
            if key.curve.name == "secp224r1":
                old.append(said)
            elif key.curve.name not in _GOOD_CURVES:
                return fails(f"{_where(place)}: {said}", "use secp256r1")
        elif not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            said = f"another key than ECDSA, EdDSA or RSA in the certificate of {_called(certificate)}"
            return fails(f"{_where(place)}: {said}", "use ECDSA with secp256r1")
    if old:
        return phase_out(f"{_where(place)}: {', '.join(old)}", "use ECDSA, or RSA of 3072 bits")
    return holds("strong in the whole chain")


def _signature(place: AddressSeen, chain: Chain) -> Verdict:
    for certificate in _without_roots(chain):
        used = certificate.signature_hash_algorithm
        if used is not None and not isinstance(used, _GOOD_HASHES):  # None: EdDSA, which needs none
            said = f"the certificate of {_called(certificate)} is signed with {used.name.upper()}"
            return fails(f"{_where(place)}: {said}", "have it issued anew, signed with SHA-256")
    return holds("SHA-256 or stronger in the whole chain")


def _domain(place: AddressSeen, chain: Chain) -> Verdict:
    names = _names(chain[0])
    if _covers(names, place.hostname):
        return holds("names the mail host")
    return fails(f"{_where(place)}: its certificate is for {', '.join(names) or 'no host'}", AUTHORITY)


def _covers(names: list[str], hostname: str) -> bool:
    return hostname in names or f"*.{hostname.partition('.')[2]}" in names


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in found.get_values_for_type(x509.DNSName)]


def _called(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else next(iter(_names(certificate)), "nobody")


def _caa(hostname: str, answer: Answer | None) -> Verdict:
    """CAA is found, and says who may issue (RFC 8659, section 4.2)."""
    if answer is None or answer.exists is None:
        reason = answer.failure(authoritative=False) if answer else "it was not asked"
        return unknown(f"{hostname} CAA: {reason}", LATE)
    if not answer.values:
        return fails(
            f"{hostname}: has no CAA, and no name above it has any", 'set "caa": True for the domain'
        )
    if not any(text.split()[1:2] == ["issue"] for text in answer.values):
        return fails(f"{hostname} CAA: has no issue", 'set "caa": True for the domain')
    return holds("says who may issue")
