"""The points about TLS: what was offered on port 25, by the levels of the guidelines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from dns.check.internet_nl.ciphers import Level, name_of
from dns.check.internet_nl.groups import curve_level, curve_name, prime_level, prime_name
from dns.check.internet_nl.hello import SHA224_HASHES, Version
from dns.check.internet_nl.points import Point, Verdict, fails, holds, phase_out, point, unknown
from dns.check.internet_nl.scan import Offered, all_suites, at_level
from dns.check.internet_nl.sessions import MOST_RENEGOTIATIONS
from dns.world.greeting import READY
from dns.world.seen import AddressSeen, Seen

UPDATE = "pyinfra inventory.py deploy.py, if the host is yours; else its TLS settings"
LATE = "run again, or from another network"


@dataclass(slots=True)
class Probed:
    """One address of a mail host, and what was found when TLS was asked for there.

    `unknown` has the reason for `renegotiations` and `early_data`, if they could not be found out.
    """

    place: AddressSeen
    offered: Offered = field(default_factory=Offered)
    renegotiations: int | None = None
    early_data: int | None = None
    unknown: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.place.hostname} ({self.place.address})"


def is_reached(place: AddressSeen) -> bool:
    """Whether the mail host itself answers there, so that its TLS can be asked for."""
    return place.greeting is not None and place.greeting.is_by(place.hostname)


def unreached(seen: Seen, *, reason: bool = True) -> Iterator[Verdict]:
    """The verdict on each address that did not answer, unless another one of the same host did.

    The test, too, looks at one address of a host.
    """
    reached = {place.hostname for place in seen.addresses if is_reached(place)}
    for place in seen.addresses:
        if place.hostname in reached:
            continue
        where = f"{place.hostname} ({place.address}) port 25"
        greeting = place.greeting
        if greeting is None or greeting.failure == "no route":
            yield unknown(f"{where}: there is no route from here")
        elif place.version not in seen.outbound_25:
            yield unknown(f"{where}: this network bars port 25, or answers in place of the host")
        elif greeting.failure or greeting.code != READY:
            yield unknown(f"{where}: gives no greeting", "see what is required above")
        else:
            yield unknown(f"{where}: greets as {greeting.name or 'nobody'}", "see what is required above")


def points(seen: Seen, probed: list[Probed]) -> Iterator[Point]:
    """The points about STARTTLS, in the order of the test."""
    lost = list(unreached(seen))
    yield point("starttls_tls_available", [*map(_starttls, probed), *lost])
    speaking = [one for one in probed if one.place.greeting and one.place.greeting.tls is not None]
    if not speaking and probed:
        lost = [unknown("no TLS, so there is nothing to ask", UPDATE)]
    for code, judge in _JUDGES.items():
        yield point(code, [*(_judged(one, judge) for one in speaking), *lost])


def _starttls(one: Probed) -> Verdict:
    greeting = one.place.greeting
    if greeting is None or greeting.tls is None:
        return fails(f"{one}: does not offer STARTTLS", UPDATE)
    # That the TLS of this machine agrees on nothing with the host says less than a hello that is taken.
    if greeting.tls and not one.offered.suites:
        return fails(f"{one}: offers STARTTLS, but it fails ({greeting.tls})", UPDATE)
    return holds("offered")


def _judged(one: Probed, judge: Callable[[Probed], Verdict]) -> Verdict:
    if not one.offered.suites:
        reason = one.offered.unknown.get("versions", "no version of TLS was agreed on")
        return unknown(f"{one}: {reason}", LATE)
    return judge(one)


def _unless_lost(one: Probed, part: str, good: Verdict) -> Verdict:
    """The good verdict, if all was asked that it rests on. A bad one needs no more than what was found."""
    reason = one.offered.unknown.get(part)
    return unknown(f"{one}: {reason}", LATE) if reason else good


def _version(one: Probed) -> Verdict:
    bad = sorted(version for version in one.offered.suites if version < Version.TLS_1_2)
    if bad:
        return fails(f"{one}: offers {_list(bad)}", "offer TLS 1.2 and TLS 1.3 alone")
    found = _list(sorted(one.offered.suites, reverse=True))
    return _unless_lost(one, "versions", holds(f"{found} alone"))


def _ciphers(one: Probed) -> Verdict:
    suites = all_suites(one.offered)
    fix = "offer AES-GCM, AES-CCM and ChaCha20 with ECDHE alone"
    if bad := at_level(suites, Level.INSUFFICIENT):
        return fails(f"{one}: takes {_list(map(name_of, bad))}", fix)
    if not suites:
        return unknown(f"{one}: no suite was told", LATE)
    if old := at_level(suites, Level.PHASE_OUT):
        return phase_out(f"{one}: takes {_list(map(name_of, old))}", fix)
    return _unless_lost(one, "versions", holds(f"{len(suites)}, all of them good or sufficient"))


def _order(one: Probed) -> Verdict:
    if one.offered.preferred:
        worse, better = map(name_of, one.offered.preferred)
        return fails(
            f"{one}: prefers {worse} to {better}", "let the server choose, with the best suite first"
        )
    for part in ("versions", "order"):
        if reason := one.offered.unknown.get(part):
            return unknown(f"{one}: {reason}", LATE)
    if not at_level(all_suites(one.offered), Level.PHASE_OUT):
        return holds("nothing to be phased out, so the order does not matter")
    return holds("what is to be phased out comes last")


def _key_exchange(one: Probed) -> Verdict:
    by_level: dict[Level, list[str]] = {}
    for curve in sorted(one.offered.curves):
        by_level.setdefault(curve_level(curve), []).append(curve_name(curve))
    for prime in sorted(one.offered.primes):
        by_level.setdefault(prime_level(prime), []).append(prime_name(prime))
    fix = "offer x25519, secp256r1, secp384r1 and no Diffie-Hellman over finite fields"
    if bad := by_level.get(Level.INSUFFICIENT):
        return fails(f"{one}: takes {_list(bad)}", fix)
    if old := by_level.get(Level.PHASE_OUT):
        return phase_out(f"{one}: takes {_list(old)}", fix)
    for part in ("versions", "curves"):
        if reason := one.offered.unknown.get(part):
            return unknown(f"{one}: {reason}", LATE)
    return holds(_list(by_level.get(Level.GOOD, ["no Diffie-Hellman"])))


def _hash(one: Probed) -> Verdict:
    fix = "sign with SHA-256, SHA-384 or SHA-512 alone"
    if one.offered.hashes - set(SHA224_HASHES):
        return fails(f"{one}: signs a key exchange with SHA-1 or MD5", fix)
    if one.offered.hashes:
        return phase_out(f"{one}: signs a key exchange with SHA-224, if a sender asks for no other", fix)
    for part in ("versions", "hash"):
        if reason := one.offered.unknown.get(part):
            return unknown(f"{one}: {reason}", LATE)
    return holds("neither SHA-1 nor SHA-224")


def _compression(one: Probed) -> Verdict:
    if one.offered.compression:
        return fails(f"{one}: compresses", "turn TLS compression off")
    return _unless_lost(one, "versions", holds("none"))


def _secure_renegotiation(one: Probed) -> Verdict:
    if one.offered.secure_renegotiation is False:
        return fails(f"{one}: does not know RFC 5746", "use a TLS library that does")
    good = "RFC 5746" if one.offered.secure_renegotiation else "TLS 1.3 has no renegotiation"
    return _unless_lost(one, "versions", holds(good))


def _client_renegotiation(one: Probed) -> Verdict:
    fix = "turn renegotiation off (OP_NO_RENEGOTIATION)"
    if Version.TLS_1_2 not in one.offered.suites and "versions" not in one.offered.unknown:
        return holds("TLS 1.3 has no renegotiation")
    if one.renegotiations is None:
        reason = one.unknown.get("renegotiations", "it was not asked")
        return unknown(f"{one}: {reason}", "install openssl, or run this from another network")
    if one.renegotiations > MOST_RENEGOTIATIONS:
        return fails(f"{one}: a client may renegotiate more than {MOST_RENEGOTIATIONS} times", fix)
    if one.renegotiations:
        return phase_out(f"{one}: a client may renegotiate {one.renegotiations} times", fix)
    return holds("refused")


def _early_data(one: Probed) -> Verdict:
    if Version.TLS_1_3 not in one.offered.suites and "versions" not in one.offered.unknown:
        return holds("only TLS 1.3 has it, which is not offered")
    if one.early_data is None:
        reason = one.unknown.get("early_data", "it was not asked")
        return unknown(f"{one}: {reason}", "install openssl, or run this from another network")
    if one.early_data:
        return fails(f"{one}: takes {one.early_data} octets of 0-RTT data", "turn early data off")
    return holds("not offered")


def _extended_master_secret(one: Probed) -> Verdict:
    if one.offered.extended_master_secret is False:
        return fails(f"{one}: does not know RFC 7627", "use a TLS library that does")
    good = "RFC 7627" if one.offered.extended_master_secret else "TLS 1.3 needs none"
    return _unless_lost(one, "versions", holds(good))


_JUDGES: dict[str, Callable[[Probed], Verdict]] = {
    "starttls_tls_version": _version,
    "starttls_tls_ciphers": _ciphers,
    "starttls_tls_cipherorder": _order,
    "starttls_tls_keyexchange": _key_exchange,
    "starttls_tls_keyexchangehash": _hash,
    "starttls_tls_compress": _compression,
    "starttls_tls_secreneg": _secure_renegotiation,
    "starttls_tls_clientreneg": _client_renegotiation,
    "starttls_tls_0rtt": _early_data,
    "starttls_tls_ems": _extended_master_secret,
}


def _list(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))
