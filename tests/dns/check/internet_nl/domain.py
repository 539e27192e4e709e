"""A domain that is as the mail test wants it, and what is judged of it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.check.internet_nl import judge_certificate, judge_names
from dns.check.internet_nl.points import Outcome
from dns.world.answers import Answer
from dns.world.greeting import Greeting
from dns.world.seen import Seen
from dns.world.signed import Signed
from tests.dns.check.judging.values import V4, V6, host, place, seen
from tests.dns.mta_sts.chains import Leaf, authority, leaf, served

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SECURE, UNSIGNED = Signed("e.org", True, has_ds=True), Signed("e.org", False, "has no DS at org")
BROKEN = Signed("e.org", False, "has a DS at org that fits none of its keys", has_ds=True)
LOST = Signed("e.org", None, "may have a DS or none")
ROOT = authority("Root", NOW)
MIDDLE = authority("Middle", NOW, ROOT)
LEAF = leaf(NOW, MIDDLE, Leaf(names=("mx.e.org",)))
OURS = tlsa.content(tlsa.key_digest(LEAF.public_bytes(Encoding.DER)))
NEXT = tlsa.content("1" * 64)
ISSUER = "2 1 1 " + tlsa.key_digest(MIDDLE.certificate.public_bytes(Encoding.DER))
HOLDS, FAILS, UNKNOWN, PHASE_OUT = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN, Outcome.PHASE_OUT


def hello(*certificates: x509.Certificate) -> Greeting:
    chain = served(*certificates)
    return Greeting(code=220, text="mx.e.org ESMTP", certificate=chain[0], chain=tuple(chain))


def domain(*texts: str, greeting: Greeting | None = None, zone: Signed = SECURE, **changes: Any) -> Seen:
    """A domain whose zone is in this state, and whose host has these TLSA and greets like this."""
    greeting = greeting or hello(LEAF, MIDDLE.certificate)
    right = {
        "hosts": (host(tlsa=(Answer(values=frozenset(texts)),), signed=zone),),
        "addresses": (place(V4, greeting), place(V6, greeting)),
        "signed": zone,
    }
    return seen(**{**right, **changes})


def judged(what: Seen, caa: Answer | None = None, problem: str = "") -> dict[str, Outcome]:
    """Each point that is not about TLS, by its code."""
    zones = {each.hostname: each.signed for each in what.hosts}
    told = {"mx.e.org": Answer(values=frozenset({'0 issue "ca.org"'})) if caa is None else caa}
    found = [
        *judge_names.ipv6(what),
        *judge_names.dnssec(what, zones),
        *judge_certificate.points(what, told, lambda *_: problem, NOW),
        *judge_names.dane(what, zones),
    ]
    return {each.code: each.outcome for each in found}


def differing(what: Seen, **how: Any) -> dict[str, Outcome]:
    """The points that do not hold."""
    return {code: outcome for code, outcome in judged(what, **how).items() if outcome is not HOLDS}
