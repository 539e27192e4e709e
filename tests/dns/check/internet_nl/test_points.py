"""The points about names, addresses, certificates and DANE, and how they are summed up. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.check.internet_nl import judge_certificate, judge_names, lines, to_json
from dns.check.internet_nl.points import POINTS, Outcome, fails, holds, phase_out, point, unknown
from dns.errors import SyncError
from dns.world.answers import BOGUS, Answer
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import Seen, ServerSeen
from dns.world.signed import Signed
from tests.dns.check.judging.values import NAMES, SILENCE, V4, V6, answers, host, place, resolver, seen
from tests.dns.check.judging.values import servers as nameservers
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


def test_every_point_holds_of_a_domain_that_is_as_the_test_wants_it() -> None:
    found = judged(domain(OURS, NEXT))
    assert set(found.values()) == {HOLDS}
    assert {code for code in POINTS if not code.startswith("starttls_tls_")} == set(found)


ONLY_4 = tuple(ServerSeen(Server(name, "1.0.0.1"), answers()) for name in NAMES)
ONE_6 = (*ONLY_4, ServerSeen(Server(NAMES[0], "::2"), answers()))
SILENT_6 = (*ONE_6, ServerSeen(Server(NAMES[1], "::3"), dict.fromkeys(answers(), SILENCE)))
ROUTE = (Server(NAMES[0], "::2"), Server(NAMES[1], "::3"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"servers": ONLY_4}, {"ipv6_ns_address": FAILS, "ipv6_ns_reach": FAILS}),
        ({"servers": ONE_6}, {"ipv6_ns_address": PHASE_OUT}),
        ({"servers": SILENT_6}, {"ipv6_ns_reach": FAILS}),
        ({"servers": ONLY_4, "without_route": ROUTE}, {"ipv6_ns_reach": UNKNOWN}),
        (
            {"servers": ONLY_4, "unlocated": (("c.d.net", "timeout"),)},
            {"ipv6_ns_address": UNKNOWN, "ipv6_ns_reach": UNKNOWN},
        ),
        ({"addresses": (place(V4, hello(LEAF)), place(V6, Greeting("timeout")))}, {"ipv6_mx_reach": FAILS}),
        (
            {
                "addresses": (place(V4, hello(LEAF)), place(V6, Greeting("timeout"))),
                "outbound_25": frozenset({4}),
            },
            {"ipv6_mx_reach": UNKNOWN},
        ),
        ({"addresses": (place(V4, hello(LEAF)), place(V6, None))}, {"ipv6_mx_reach": UNKNOWN}),
    ],
)
def test_ipv6(changes: dict[str, Any], expected: dict[str, Outcome]) -> None:
    assert differing(domain(OURS, NEXT, **changes)) == expected


@pytest.mark.parametrize(("aaaa", "outcome"), [(Answer(), FAILS), (SILENCE, UNKNOWN)])
def test_a_mail_host_without_ipv6(aaaa: Answer, outcome: Outcome) -> None:
    what = domain(OURS, NEXT)
    only_4 = replace(what.hosts[0], aaaa=aaaa)
    found = differing(replace(what, hosts=(only_4,), addresses=what.addresses[:1]))
    assert found == {"ipv6_mx_address": outcome, "ipv6_mx_reach": outcome}


@pytest.mark.parametrize(
    ("zone", "exists", "valid"), [(UNSIGNED, FAILS, FAILS), (BROKEN, HOLDS, FAILS), (LOST, UNKNOWN, UNKNOWN)]
)
def test_dnssec_exists_and_is_valid(zone: Signed, exists: Outcome, valid: Outcome) -> None:
    found = judged(domain(OURS, NEXT, zone=zone))
    assert found["dnssec_mailto_exist"] is found["dnssec_mx_exist"] is exists
    assert found["dnssec_mailto_valid"] is found["dnssec_mx_valid"] is valid


def test_signatures_that_a_resolver_refuses_are_not_valid() -> None:
    refused = resolver(MX=Answer(BOGUS))
    assert differing(domain(OURS, NEXT, resolvers=refused)) == {
        "dnssec_mailto_valid": FAILS,
        "dnssec_mx_valid": FAILS,
    }


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((OURS, ISSUER), {}),
        ((OURS,), {"starttls_dane_rollover": FAILS}),
        ((ISSUER,), {"starttls_dane_rollover": FAILS}),
        ((NEXT, tlsa.content("2" * 64)), {"starttls_dane_valid": FAILS}),
        (("0 0 1 " + "1" * 64,), dict.fromkeys(("exist", "valid", "rollover"), FAILS)),
        ((), dict.fromkeys(("exist", "valid", "rollover"), FAILS)),
    ],
)
def test_dane(texts: tuple[str, ...], expected: dict[str, Outcome]) -> None:
    full = {code if "_" in code else f"starttls_dane_{code}": outcome for code, outcome in expected.items()}
    assert differing(domain(*texts)) == full


def test_tlsa_that_nobody_answers_is_unknown_and_not_missing() -> None:
    silent = replace(domain(OURS), hosts=(host(tlsa=(SILENCE,), signed=SECURE),))
    assert differing(silent) == dict.fromkeys(
        ("starttls_dane_exist", "starttls_dane_valid", "starttls_dane_rollover"), UNKNOWN
    )


def made(key: Any, algorithm: Any = None, names: tuple[str, ...] = ("mx.e.org",)) -> x509.Certificate:
    """A self-signed certificate for this key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.e.org")])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, algorithm or hashes.SHA256())
    )


CURVE = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (lambda: made(rsa.generate_private_key(65537, 1024)), {"cert_pubkey": FAILS}),
        (lambda: made(rsa.generate_private_key(65537, 2048)), {"cert_pubkey": PHASE_OUT}),
        (lambda: made(rsa.generate_private_key(65537, 3072)), {}),
        (lambda: made(ec.generate_private_key(ec.SECP224R1())), {"cert_pubkey": PHASE_OUT}),
        (lambda: made(ec.generate_private_key(ec.SECP256K1())), {"cert_pubkey": FAILS}),
        (lambda: made(CURVE, hashes.SHA224()), {"cert_sig": FAILS}),
        (lambda: made(CURVE, hashes.SHA384()), {}),
        (lambda: made(CURVE, names=("mx.e.net",)), {"cert_domain": FAILS}),
        (lambda: made(CURVE, names=("*.e.org",)), {}),
    ],
)
def test_certificates(certificate: Any, expected: dict[str, Outcome]) -> None:
    one = certificate()
    text = tlsa.content(tlsa.key_digest(one.public_bytes(Encoding.DER)))
    found = differing(domain(text, NEXT, greeting=hello(one)))
    assert found == {f"starttls_{code}": outcome for code, outcome in expected.items()}


def test_a_weak_issuer_is_found_in_the_chain() -> None:
    weak = made(rsa.generate_private_key(65537, 1024))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Weak")])
    other = x509.CertificateBuilder(
        x509.Name([]), issuer, weak.public_key(), 2, NOW, NOW + timedelta(days=9)
    ).sign(CURVE, hashes.SHA256())
    found = differing(domain(OURS, NEXT, greeting=hello(LEAF, other)))
    assert found == {"starttls_cert_pubkey": FAILS}


def test_a_chain_that_is_not_trusted() -> None:
    assert differing(domain(OURS, NEXT), problem="it is self-signed") == {"starttls_cert_chain": FAILS}


def test_whether_a_chain_is_trusted_is_unknown_to_a_machine_that_trusts_nobody() -> None:
    def lost(*_: Any) -> str:
        raise SyncError("this machine trusts no authority")

    found = {each.code: each for each in judge_certificate.points(domain(OURS), {}, lost, NOW)}
    assert found["starttls_cert_chain"].outcome is UNKNOWN


@pytest.mark.parametrize(
    ("caa", "outcome"),
    [
        (Answer(), FAILS),
        (SILENCE, UNKNOWN),
        (Answer(values=frozenset({'0 iodef "mailto:a@e.org"'})), FAILS),
    ],
)
def test_caa(caa: Answer, outcome: Outcome) -> None:
    assert differing(domain(OURS, NEXT), caa=caa) == {"starttls_cert_caa": outcome}


def test_an_mx_that_the_inventory_does_not_have_leaves_its_points_unknown() -> None:
    mx = answers(MX=Answer(values=frozenset({"10 mx.e.org", "20 mx.e.net"})))
    what = domain(OURS, NEXT, servers=nameservers(mx))
    assert UNKNOWN is judged(what)["ipv6_mx_address"] is judged(what)["starttls_dane_exist"]


class TestSummingUp:
    POINTS = (
        point("ipv6_ns_address", [holds("2 name servers have one")]),
        point("starttls_tls_ciphers", [holds("3"), phase_out("mx takes OLD", "leave OLD out")]),
        point("starttls_tls_version", [unknown("mx: no answer"), fails("mx offers SSL 3.0", "turn it off")]),
        point("starttls_cert_caa", []),
    )

    def test_a_point_is_as_good_as_its_worst_verdict(self) -> None:
        assert [each.outcome for each in self.POINTS] == [HOLDS, PHASE_OUT, FAILS, UNKNOWN]
        assert self.POINTS[2].cause == "mx offers SSL 3.0"

    def test_the_table_counts_and_has_cause_and_fix(self) -> None:
        text = lines(self.POINTS)
        assert text[0].endswith(
            "2 of 4 hold, 1 of these with what is to be phased out, 1 not, 1 not known from here"
        )
        (at,) = [number for number, line in enumerate(text) if "TLS version" in line]
        assert "does not hold" in text[at] and "mx offers SSL 3.0" in text[at]
        assert text[at + 1].strip() == "-> turn it off"
        assert any("CAA (recommended)" in line for line in text)
        assert "RPKI" in text[-1]

    def test_programs_get_each_point(self) -> None:
        found: Any = to_json(self.POINTS)
        assert found["count"] == {
            "does not hold": 1,
            "not known from here": 1,
            "to be phased out": 1,
            "holds": 1,
        }
        assert found["points"][0] == {
            "code": "ipv6_ns_address",
            "category": "Modern address (IPv6)",
            "label": "IPv6 addresses for name servers",
            "requirement": "required",
            "outcome": "holds",
            "cause": "2 name servers have one",
            "fix": "",
        }
