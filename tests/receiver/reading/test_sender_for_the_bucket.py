"""What the receiver tells the bucket of a sender is what a reader of the stored field says of it."""

from __future__ import annotations

import itertools

from receiver.checks.results import DKIM, DMARC, SPF
from receiver.checks.verdict import Verdict
from receiver.reading.sender.verdict import Answer, judge
from tests.receiver.reading.results import failed, passed, read_back, results, sent_by, signed

WORDS = {Answer.YES: "authentic", Answer.FAILED: "unknown", Answer.UNCHECKED: "unknown"}
OWN, OTHER = "shop.example", "mail.shop.example"
POLICIES = (
    passed("dkim", OWN),
    failed("reject", OWN),
    failed("none", OWN),
    DMARC("none", "", OWN),
    DMARC("none", "cannot be read", OWN),
    DMARC("none"),
    DMARC("temperror", "no answer", OWN),
    DMARC("permerror", "no domain"),
)
SENDERS = (
    SPF("none"),
    *(sent_by(domain, result) for domain in (OWN, OTHER) for result in ("pass", "fail", "temperror")),
)
SIGNATURES: tuple[tuple[DKIM, ...], ...] = (
    (),
    *((signed(domain, result),) for domain in (OWN, OTHER) for result in ("pass", "fail", "temperror")),
    (signed(OWN, "temperror"), signed(OWN)),
    (signed("", "temperror"),),
)


def test_the_word_is_the_same_for_all_results() -> None:
    said = set()
    for dmarc, spf, dkim in itertools.product(POLICIES, SENDERS, SIGNATURES):
        word = Verdict(b"", None, spf, dkim, dmarc).sender
        read = judge(read_back(results(dmarc, *dkim, spf=spf)))
        assert word == WORDS.get(read.answer, "forged"), (dmarc, spf, dkim, read)
        said.add(word)
    assert said == {"authentic", "forged", "unknown"}


def test_a_check_without_an_answer_is_never_a_forged_sender() -> None:
    for dmarc in (DMARC("temperror", "", OWN), DMARC("none", "", OWN)):
        assert Verdict(b"", None, sent_by(OWN, "temperror"), (), dmarc).sender == "unknown"
