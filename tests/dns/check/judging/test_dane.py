"""The judge of DANE: what is served against what is published. Pure."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.check import report
from dns.check.findings import Finding
from dns.check.judge_dane import judge
from dns.inventory.host_keys import HostKeys
from dns.world.answers import Answer
from dns.world.greeting import Greeting
from dns.world.seen import Seen
from dns.world.signed import Signed
from tests.dns.check.judging.values import V4, V6, host, place, seen

NAME, OTHER, NEXT = "_25._tcp.mx.e.org", "1" * 64, "2" * 64
SECURE = Signed("e.org", True)
UNSIGNED = Signed("e.org", False, "has no DS at org")


@pytest.fixture
def served(certificate: Path) -> bytes:
    """The certificate that the host serves, in DER."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)


def answer(*digests: str) -> Answer:
    return Answer(values=frozenset(f"3 1 1 {digest}" for digest in digests), ttl=300)


def looked(served: bytes, *said: Answer, dane: bool = True, **changes: Any) -> Seen:
    """The domain, whose host serves this certificate at both addresses, and these answers for its TLSA."""
    hello = Greeting(code=220, text="mx.e.org ESMTP", certificate=base64.b64encode(served).decode())
    at = {"tlsa": said, "signed": SECURE, "dane": dane, **changes}
    return seen(
        hosts=(host(**at),), addresses=(place(V4, hello), place(V6, hello)), dane=dane, signed=at["signed"]
    )


def codes(what: Seen) -> list[tuple[str, str]]:
    return [(finding.group, finding.code) for finding in judge(what)]


def only(what: Seen) -> Finding:
    (finding,) = judge(what)
    return finding


def test_a_key_that_is_published_is_fine(served: bytes) -> None:
    assert codes(looked(served, answer(tlsa.key_digest(served), NEXT))) == []


def test_a_key_that_no_record_names_is_required_to_be_published(served: bytes) -> None:
    found = only(looked(served, answer(OTHER, NEXT)))
    assert (found.group, found.code, found.name, found.type) == ("required", "tlsa", NAME, "TLSA")
    assert (
        f"mx.e.org ({V4}, {V6}) port 25: serves a key that none of its 2 TLSA records names" in found.problem
    )
    assert found.fix == "python -m dns.sync e.org"


def test_one_address_that_serves_another_key_is_named(served: bytes) -> None:
    what = looked(served, answer(OTHER))
    first, second = what.addresses
    right = replace(what, addresses=(first, replace(second, greeting=Greeting("timeout"))))
    assert f"({V4}) port 25" in only(right).problem


@pytest.mark.parametrize(
    "greeting",
    [
        None,
        Greeting("timeout"),
        Greeting(code=220, text="mx.e.org"),
        Greeting(code=220, text="relay.isp.org"),
    ],
)
def test_a_key_that_cannot_be_seen_from_here_makes_no_finding(
    served: bytes, greeting: Greeting | None
) -> None:
    """That port 25 cannot be reached, or STARTTLS fails, is a finding of its own."""
    what = looked(served, answer(OTHER))
    assert codes(replace(what, addresses=(place(V4, greeting),))) == []


def test_a_relay_that_answers_in_place_of_the_host_proves_nothing(served: bytes) -> None:
    other = Greeting(code=220, text="relay.isp.org", certificate=base64.b64encode(served).decode())
    assert codes(replace(looked(served, answer(OTHER)), addresses=(place(V4, other),))) == []


def test_an_authority_named_in_a_record_may_fit_what_is_served(served: bytes) -> None:
    assert codes(looked(served, Answer(values=frozenset({f"2 1 1 {OTHER}"})), dane=False)) == []


def test_a_certificate_that_cannot_be_read_proves_nothing() -> None:
    assert codes(looked(b"broken", answer(OTHER))) == []


def test_in_a_zone_that_is_not_signed_the_records_have_no_effect(served: bytes) -> None:
    what = looked(served, answer(OTHER), dane=False, signed=UNSIGNED)
    found = only(what)
    assert (found.group, found.code) == ("advised", "tlsa-unsigned")
    assert "has no effect, because e.org has no DS at org" in found.problem


def test_in_a_zone_that_may_be_signed_a_wrong_record_is_unknown(served: bytes) -> None:
    what = looked(served, answer(OTHER), signed=Signed("e.org", None, "cannot be looked at"))
    assert codes(what) == [("unknown", "tlsa")]


def test_a_wrong_record_is_unknown_if_nobody_tells_whether_the_zone_is_signed(served: bytes) -> None:
    (found,) = judge(looked(served, answer(OTHER), dane=False, signed=None))
    assert (found.group, found.code) == ("unknown", "tlsa")


def test_dane_without_a_signed_zone_is_advised_with_the_command(served: bytes) -> None:
    what = replace(looked(served, Answer("NXDOMAIN"), signed=UNSIGNED), ds_to_set="")
    assert codes(what) == [("advised", "dane-unsigned")]
    assert codes(replace(what, ds_to_set="1 13 2 AB")) == [], "the missing DS is a finding already"


def test_a_missing_record_is_advised_if_dane_is_asked_for(served: bytes) -> None:
    assert codes(looked(served, Answer("NXDOMAIN"))) == [("advised", "tlsa-missing")]
    assert codes(looked(served, Answer("NXDOMAIN"), dane=False)) == []


def test_no_answer_is_unknown_and_not_missing(served: bytes) -> None:
    assert codes(looked(served, Answer("SERVFAIL"), Answer("", silence="Timeout"))) == [("unknown", "tlsa")]
    assert codes(looked(served, Answer("SERVFAIL"), dane=False)) == []
    good = answer(tlsa.key_digest(served))
    assert codes(looked(served, Answer("SERVFAIL"), good)) == [], "the other nameserver tells"


def test_a_nameserver_without_the_next_key_is_advised_with_the_line(served: bytes) -> None:
    key = tlsa.key_digest(served)
    keys = HostKeys(key, NEXT, frozenset({key}))
    found = only(looked(served, answer(key, NEXT), answer(key), keys=keys))
    assert (found.group, found.code) == ("advised", "tlsa-incomplete")
    assert found.problem == f"{NAME}. TLSA 3 1 1 {NEXT}: is missing (the next key of the host)"
    assert codes(looked(served, answer(key, NEXT), keys=keys)) == []
    unread = looked(served, answer(key), keys=HostKeys(unread="its keys could not be read over ssh"))
    assert codes(unread) == []
    assert any("because its keys could not be read over ssh" in line for line in report.remarks(unread))


def test_records_of_somebody_else_are_said_and_judged(served: bytes) -> None:
    key = tlsa.key_digest(served)
    what = looked(served, answer(key), dane=False)
    assert codes(what) == []
    assert any("they are not ours, and no rekey waits for them" in line for line in report.remarks(what))
    wrong = only(looked(served, answer(OTHER), dane=False))
    assert (wrong.group, wrong.fix) == (
        "required",
        f"delete the TLSA records at {NAME}, or put right ones there",
    )


def test_without_the_delegation_nothing_is_known(served: bytes) -> None:
    assert codes(replace(looked(served, answer(OTHER)), delegation=None)) == []
