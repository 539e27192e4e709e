"""What a person is told about the domain in the From field, for each result of the checks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.checks.results import DKIM, DMARC, SPF, Reverse
from receiver.reading import authentication_results
from receiver.reading.authentication_results import Results
from receiver.reading.verdict import Answer, judge
from tests.receiver.reading.results import failed, no_policy, passed, results, sent_by, signed, written

HELO = SPF("pass", "mx.shop.example", "helo", "mx.shop.example")
REJECT = "NO: its owner asks to reject such mail (p=reject)"
LIST = "Developers <dev.lists.example>"

CASES: dict[str, tuple[Results, str, bool | None]] = {
    "DKIM aligned": (results(passed("dkim"), signed("gmail.com")), "yes (DKIM pass, aligned)", True),
    "SPF aligned": (results(passed("spf"), spf=sent_by("gmail.com")), "yes (SPF pass, aligned)", True),
    "fail, reject": (results(failed("reject")), REJECT, False),
    "fail, quarantine": (
        results(failed("quarantine")),
        "NO: its owner asks to treat such mail as suspicious (p=quarantine)",
        False,
    ),
    "fail, none": (
        results(failed("none"), signed("mailer.example")),
        "not proven: neither SPF nor DKIM vouches for it, and its owner asks for nothing (p=none)",
        None,
    ),
    "no policy": (results(no_policy()), "cannot be known: shop.example publishes no policy", None),
    "no policy, its own signature": (
        results(no_policy(), signed("mailer.example"), signed("shop.example")),
        "yes (DKIM pass; shop.example publishes no DMARC policy)",
        True,
    ),
    "no policy, its own SPF": (
        results(no_policy(), spf=sent_by("shop.example")),
        "yes (SPF pass; shop.example publishes no DMARC policy)",
        True,
    ),
    "no policy, SPF of its own HELO": (
        results(no_policy("mx.shop.example"), spf=HELO),
        "yes (SPF pass; mx.shop.example publishes no DMARC policy)",
        True,
    ),
    "no policy, a stranger's signature": (
        results(no_policy(), signed("mailer.example"), spf=sent_by("mailer.example")),
        "cannot be known: shop.example publishes no policy",
        None,
    ),
    "no policy, a signature without a domain": (
        results(no_policy(), DKIM("pass")),
        "cannot be known: shop.example publishes no policy",
        None,
    ),
    "no policy, a subdomain's signature": (
        results(no_policy("github.io"), signed("evil.github.io")),
        "cannot be known: github.io publishes no policy",
        None,
    ),
    "no policy, its own signature is broken": (
        results(no_policy(), signed("shop.example", "fail"), spf=sent_by("shop.example", "softfail")),
        "cannot be known: shop.example publishes no policy",
        None,
    ),
    "no policy, the key of its own signature did not come": (
        results(no_policy(), signed("shop.example", "temperror")),
        "could not be checked: DNS did not answer",
        None,
    ),
    "no policy, its own SPF record did not come": (
        results(no_policy(), spf=sent_by("shop.example", "temperror")),
        "could not be checked: DNS did not answer",
        None,
    ),
    "no policy, a stranger's key did not come": (
        results(no_policy(), signed("mailer.example", "temperror")),
        "cannot be known: shop.example publishes no policy",
        None,
    ),
    "no policy that can be read": (
        results(DMARC("none", "the policy cannot be read", "shop.example", "", "shop.example")),
        "cannot be known: the policy cannot be read",
        None,
    ),
    "no policy that can be read, its own signature": (
        results(DMARC("none", "the policy cannot be read", "shop.example"), signed("shop.example")),
        "yes (DKIM pass; the policy cannot be read)",
        True,
    ),
    "no policy, and the signatures could not be checked": (
        results(no_policy(), DKIM("temperror", "the signatures could not be checked")),
        "could not be checked: a check failed on this host, and its journal says why",
        None,
    ),
    "no answer, and the signatures could not be checked": (
        results(
            DMARC("temperror", "", "a.example"), DKIM("temperror", "the signatures could not be checked")
        ),
        "could not be checked: a check failed on this host, and its journal says why",
        None,
    ),
    "no answer": (
        results(DMARC("temperror", "no answer", "gmail.com"), spf=sent_by("gmail.com", "temperror")),
        "could not be checked: DNS did not answer",
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_field_of_each_result_gives_these_words(case: str) -> None:
    found, words, is_authentic = CASES[case]
    verdict = judge(_read_back(found))
    assert verdict.sentence == f"Really from {found.dmarc.domain}: {words}"
    assert verdict.is_authentic is is_authentic
    assert judge(found).sentence == verdict.sentence


def test_a_from_field_without_one_author_is_a_no_with_its_reason() -> None:
    verdict = judge(_read_back(results(DMARC("permerror", "the From field names two authors"))))
    assert verdict.sentence == "Really from its domain: NO: the From field names two authors"
    assert verdict.is_authentic is False


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


def test_a_message_without_results_is_not_checked() -> None:
    assert judge(None).sentence == "Really from its domain: not checked"
    assert judge(None).is_authentic is None


@pytest.mark.parametrize(
    ("signer", "list_id", "through"),
    [
        ("lists.example", LIST, "lists.example"),
        ("LISTS.example", "<dev.LISTS.EXAMPLE>", "lists.example"),
        ("mailer.example", LIST, ""),
        ("ists.example", LIST, ""),
        ("lists.example", "", ""),
        ("lists.example", "lists.example", ""),
        ("example", LIST, ""),
    ],
)
def test_mail_through_a_list_that_signed_it_says_so_and_stays_a_no(
    signer: str, list_id: str, through: str
) -> None:
    found = results(failed("reject"), signed("bank.example", "fail"), signed(signer))
    words = f"; it came through {through}, which signed it" if through else ""
    verdict = judge(_read_back(found), list_id)
    assert verdict.sentence == f"Really from bank.example: {REJECT}{words}"
    assert verdict.is_authentic is False, "anybody can write a List-Id and sign it"


def test_a_list_whose_signature_is_broken_is_not_named() -> None:
    found = results(failed("none"), signed("lists.example", "fail"))
    assert "lists.example" not in judge(_read_back(found), LIST).sentence


def test_the_json_has_what_each_check_found() -> None:
    found = results(
        passed("dkim"), signed("gmail.com"), signed("x.example", "fail"), spf=sent_by("y.example")
    )
    assert judge(_read_back(found)).to_json() == {
        "authentic": True,
        "authentic_text": "Really from gmail.com: yes (DKIM pass, aligned)",
        "author_domain": "gmail.com",
        "authentic_by": "dkim",
        "policy": "none",
        "dkim": [{"domain": "gmail.com", "result": "pass"}, {"domain": "x.example", "result": "fail"}],
        "spf": "pass",
        "dmarc": "pass",
        "reverse": "mail.sender.test",
    }


@pytest.mark.parametrize("result", ["fail", "temperror", "permerror"])
def test_a_reverse_name_that_does_not_lead_back_is_not_reported(result: str) -> None:
    found = results(no_policy(), reverse=Reverse(result, "mail.bank.example"))
    assert judge(_read_back(found)).to_json()["reverse"] is None


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
    st.sampled_from(["none", "pass", "fail", "temperror"]),
    TEXT,
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
    read = judge(_read_back(found))
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
    read = authentication_results.parse(_value(found))
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


GOOD = b"a.test; dkim=none; spf=none; dmarc=pass (p=none at a.example, aligned dkim) header.from=a.example"


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


def _value(found: Results) -> bytes:
    """The value of the written field, unfolded as `receiver.headers` does it."""
    return written(found).partition(b":")[2].replace(b"\r\n", b"").strip()


def _read_back(found: Results) -> Results:
    read = authentication_results.parse(_value(found))
    assert read is not None
    return read
