"""What follows from the results: forged results go, and some messages should be refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from receiver.checks.check import Checks
from receiver.checks.results import DKIM, Reverse
from receiver.checks.verdict import Verdict
from tests.receiver.checks.dkim.messages import record, rsa, signed
from tests.receiver.checks.judging import HOST, PEER, TABLE, feed, judged, results, run
from tests.receiver.checks.zone import Zone

FORGED = b"Authentication-Results: mx.example.test; dmarc=pass\r\n"


def test_forged_results_go_and_the_signature_over_them_still_counts() -> None:
    message = FORGED + b"Authentication-Results: mx2.example.test; spf=pass\r\n" + signed()

    async def both() -> tuple[bytes, Verdict]:
        checks = Checks(Zone(TABLE), HOST, ["MX2.example.test"])
        check = checks.connection(PEER).message("mail.example.com", "a@example.com")
        return feed(check, message), await check.verdict()

    stored, found = run(both())
    assert results(found) == ["pass"] * 4
    assert found.to_journal()["forged"] == 2
    assert stored == signed().partition(b"\r\n\r\n")[0] + b"\r\n"


LIST = b"List-Id: Friends of bugs <bugs.lists.test>\r\n"
UNSIGNED = b"From: a@example.com\r\nSubject: x\r\n\r\nx\r\n"
ELSEWHERE = {"d": "lists.test", "s": "sel"}
STRANGER = TABLE | {"example.com": ["TXT v=spf1 -all"], "sel._domainkey.lists.test": [("TXT", record(rsa()))]}


@pytest.mark.parametrize(
    ("message", "table", "refused"),
    [
        (UNSIGNED, {}, True),
        (UNSIGNED, {"_dmarc.example.com": ["TXT v=DMARC1; p=quarantine"]}, False),
        (UNSIGNED, {"_dmarc.example.com": ["TXT v=DMARC1; p=reject; t=y"]}, False),
        (UNSIGNED, {"_dmarc.example.com": ["TIMEOUT"]}, False),
        (UNSIGNED, {"example.com": ["TXT TIMEOUT"]}, False),
        (UNSIGNED, {"1.2.0.192.in-addr.arpa": ["TIMEOUT"]}, False),
        (signed(), {}, False),
        (signed(ELSEWHERE), {}, True),
        (signed(ELSEWHERE), {"sel._domainkey.lists.test": ["TIMEOUT"]}, False),
        (LIST + signed(ELSEWHERE), {}, False),
        (LIST + signed(ELSEWHERE | {"d": "bugs.lists.test"}), {"sel._domainkey.lists.test": []}, True),
        (LIST.replace(b"bugs.lists", b"bugs.other") + signed(ELSEWHERE), {}, True),
        (LIST.replace(b"bugs.lists", b"bugslists") + signed(ELSEWHERE), {}, True),
        (LIST + UNSIGNED, {}, True),
    ],
)
def test_only_a_fail_that_nothing_speaks_against_should_be_refused(
    message: bytes, table: dict[str, Any], refused: bool
) -> None:
    found = judged(Zone(STRANGER | table), message)
    assert found.should_be_refused is refused, results(found)


def test_several_signatures_are_one_word_in_the_journal() -> None:
    found = judged(Zone(TABLE))
    good, bad, worse = DKIM("pass"), DKIM("fail"), DKIM("temperror")
    for several, word in (((bad, good), "pass"), ((worse, bad), "temperror"), ((), "none")):
        assert replace(found, dkim=several).to_journal()["dkim"] == word
    failed = replace(found, reverse=Reverse("fail", "a.b.test"), forged=2)
    assert (failed.to_journal()["reverse"], failed.to_journal()["forged"]) == ("fail", 2)
