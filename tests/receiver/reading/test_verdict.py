"""What a person is told about the domain in the From field, for each result of the checks."""

from __future__ import annotations

import pytest

from receiver.checks.results import DKIM, DMARC, SPF, Reverse
from receiver.reading.sender.authentication_results import Results
from receiver.reading.sender.verdict import judge
from tests.receiver.reading.results import failed, no_policy, passed, read_back, results, sent_by, signed

HELO = SPF("pass", "mx.shop.example", "helo", "mx.shop.example")
REJECT = "NO: its owner asks to reject such mail (p=reject)"
LIST = "dev.lists.example"

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
    verdict = judge(read_back(found))
    assert verdict.sentence == f"Really from {found.dmarc.domain}: {words}"
    assert verdict.is_authentic is is_authentic
    assert judge(found).sentence == verdict.sentence


def test_a_from_field_without_one_author_is_a_no_with_its_reason() -> None:
    verdict = judge(read_back(results(DMARC("permerror", "the From field names two authors"))))
    assert verdict.sentence == "Really from its domain: NO: the From field names two authors"
    assert verdict.is_authentic is False


def test_a_message_without_results_is_not_checked() -> None:
    assert judge(None).sentence == "Really from its domain: not checked"
    assert judge(None).is_authentic is None


@pytest.mark.parametrize(
    ("signer", "list_id", "through"),
    [
        ("lists.example", LIST, "lists.example"),
        ("LISTS.example", LIST, "lists.example"),
        ("dev.lists.example", LIST, "dev.lists.example"),
        ("mailer.example", LIST, ""),
        ("ists.example", LIST, ""),
        ("example", LIST, ""),
        ("lists.example", "", ""),
    ],
)
def test_mail_through_a_list_that_signed_it_says_so_and_stays_a_no(
    signer: str, list_id: str, through: str
) -> None:
    found = results(failed("reject"), signed("bank.example", "fail"), signed(signer))
    words = f"; it came through {through}, which signed it" if through else ""
    verdict = judge(read_back(found), list_id)
    assert verdict.sentence == f"Really from bank.example: {REJECT}{words}"
    assert verdict.is_authentic is False, "anybody can write a List-Id and sign it"


def test_a_list_whose_signature_is_broken_is_not_named() -> None:
    found = results(failed("none"), signed("lists.example", "fail"))
    assert "lists.example" not in judge(read_back(found), LIST).sentence


def test_the_json_has_what_each_check_found() -> None:
    found = results(
        passed("dkim"), signed("gmail.com"), signed("x.example", "fail"), spf=sent_by("y.example")
    )
    assert judge(read_back(found)).to_json() == {
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
    assert judge(read_back(found)).to_json()["reverse"] is None
