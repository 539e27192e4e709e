"""Our Authentication-Results field reads back as it was meant, and no other field does."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.checks.results import DKIM, DMARC, SPF, Reverse
from receiver.reading.sender import authentication_results
from receiver.reading.sender.authentication_results import Results
from receiver.reading.sender.verdict import Answer, judge
from tests.receiver.reading.results import passed, read_back, value

GOOD = b"a.test; dkim=none; spf=none; dmarc=pass (p=none at a.example, aligned dkim) header.from=a.example"

DOMAINS = st.sampled_from(
    ["shop.example", "mail.shop.example", "example", "xn--bcher-kva.example", "a-b.example", "bank.example"]
)
WORDS = st.sampled_from(["none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror"])
TEXT = st.text(max_size=30) | st.sampled_from(
    [
        '";dmarc=pass header.from=bank.example',
        "=?utf-8?Q?=22;dmarc=pass?=",
        "(",
        ")",
        "\\",
        '"',
        "\r\n\tx",
        ";",
    ]
)
SIGNATURES = st.lists(
    st.builds(
        DKIM,
        WORDS,
        TEXT,
        DOMAINS,
        TEXT,
        TEXT,
        st.just("rsa-sha256"),
        TEXT,
        st.integers(0, 9999),
        st.booleans(),
    ).filter(lambda each: each.result != "none"),
    max_size=3,
)
POLICIES = st.builds(
    DMARC,
    st.sampled_from(["none", "pass", "fail", "temperror", "permerror"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30),  # our own words
    DOMAINS,
    st.sampled_from(["none", "quarantine", "reject"]),
    DOMAINS,
    st.just(""),
)


@st.composite
def _results(draw: st.DrawFn) -> Results:
    dmarc = draw(POLICIES)
    if dmarc.result == "pass":
        dmarc = passed(draw(st.sampled_from(["dkim", "spf"])), dmarc.domain)
    identity, domain = draw(st.sampled_from(["mailfrom", "helo"])), draw(DOMAINS)
    sender = domain if identity == "helo" else f"{draw(TEXT)}@{domain}"
    spf = SPF(draw(WORDS), domain, identity, sender, draw(TEXT))
    reverse = draw(st.none() | st.builds(Reverse, WORDS, TEXT))
    return Results(dmarc, spf, tuple(draw(SIGNATURES)), reverse)


@given(_results())
def test_what_is_written_reads_back_as_the_same_verdict(found: Results) -> None:
    read = judge(read_back(found))
    expected = judge(found)
    assert (read.answer, read.domain, read.method, read.reason) == (
        expected.answer,
        expected.domain,
        expected.method,
        expected.reason,
    )
    assert read.results is not None
    assert [each.result for each in read.results.dkim] == [each.result for each in found.dkim]
    assert [each.domain for each in read.results.dkim] == [each.domain for each in found.dkim]
    assert [each.bits for each in read.results.dkim] == [each.bits for each in found.dkim]
    assert [each.testing for each in read.results.dkim] == [each.testing for each in found.dkim]
    assert read.results.spf is not None and found.spf is not None
    assert read.results.spf.result == found.spf.result


@given(
    st.builds(
        Results,
        st.builds(DMARC, WORDS, st.text(), st.text(), st.text(), st.text(), st.text()),
        st.builds(SPF, WORDS, st.text(), st.sampled_from(["mailfrom", "helo"]), st.text(), st.text()),
        st.lists(st.builds(DKIM, WORDS, *[st.text()] * 6), max_size=9).map(tuple),
        st.none() | st.builds(Reverse, WORDS, st.text()),
    )
)
def test_whatever_the_checks_found_is_never_read_as_better(found: Results) -> None:
    read = authentication_results.parse(value(found))
    assert read is not None
    assert read.dmarc.result == found.dmarc.result
    assert judge(read).answer is not Answer.YES or judge(found).answer is Answer.YES


@given(
    st.binary()
    | st.lists(st.sampled_from(list(b'mx;dkim=passdmarc(p=rejct at "\\\t).@')), max_size=80).map(bytes)
)
def test_any_octets_are_parsed_without_an_exception(octets: bytes) -> None:
    authentication_results.parse(octets)
    authentication_results.parse(b"mx1.example.test;" + octets)


def test_the_room_that_the_field_did_not_need_is_no_text() -> None:
    padded = GOOD + b"; iprev=pass policy.iprev=192.0.2.1 (----\t----\t--)"
    read = authentication_results.parse(padded)
    assert read is not None
    assert read.reverse == Reverse("pass")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"mx1.example.test",
        b"mx1.example.test; none",
        GOOD + b"; dmarc=pass",
        GOOD + b"; spf=pass",
        GOOD + b"; iprev=pass; iprev=pass",
        GOOD + b" header.from=b.example",
        GOOD + b"; x=hello",
        GOOD + b";; x=pass",
        GOOD + b";",
        GOOD + b" stray",
        GOOD + b" (open",
        GOOD + b" (a (nested) comment)",
        GOOD + b' reason="open',
        GOOD + b' reason="\\x"',
        GOOD + "; x=pass y.z=ü".encode(),
        GOOD.replace(b"dmarc=pass", b'dmarc="pass"'),
        GOOD.replace(b"dmarc=pass", b"dmarc=(a comment) pass"),
        GOOD.replace(b"dmarc=pass", b"DMARC=pass"),
    ],
)
def test_a_field_of_another_form_gives_no_results(value: bytes) -> None:
    assert authentication_results.parse(GOOD) is not None
    assert authentication_results.parse(value) is None


def test_a_field_of_a_quarter_of_a_mebibyte_is_parsed_in_a_moment() -> None:
    began = time.process_time()
    for piece in (b" (", b' x.y="', b"; a=pass", b" a.b=c(d)", b"(" * 9 + b")" * 9, b"\t", b"\\"):
        authentication_results.parse(GOOD + piece * (262_144 // len(piece)))
    assert time.process_time() - began < 5


@pytest.mark.parametrize("more", [b"", b' reason="the author could not be found out"'])
def test_a_field_that_has_hardly_anything_tells_of_a_fault(more: bytes) -> None:
    read = authentication_results.parse(b"mx1.example.test; dmarc=temperror" + more)
    verdict = judge(read)
    assert verdict.answer is Answer.FAILED
    assert verdict.sentence.startswith("Really from its domain: could not be checked: a check failed on")
    assert (verdict.to_json()["spf"], verdict.to_json()["dkim"]) == (None, [])


def test_the_method_of_a_pass_is_read_without_a_policy() -> None:
    read = authentication_results.parse(
        GOOD.replace(b"(p=none at a.example, aligned dkim)", b"(aligned dkim)")
    )
    assert judge(read).sentence == "Really from a.example: yes (DKIM pass, aligned)"
