"""The result and the policy for each case of the table, and the questions that are asked."""

from __future__ import annotations

import asyncio

import pytest

from receiver.checks import dmarc
from receiver.checks.dns_query import TXT, A
from receiver.checks.results import DKIM, DMARC, SPF
from tests.receiver.checks.dmarc.cases import CASES, EXAMPLE, Case
from tests.receiver.checks.zone import Zone


def evaluate(case: Case, zone: Zone) -> DMARC:
    signatures = [DKIM(result, domain=domain) for domain, result in map(proven, case.dkim)]
    domain, result = proven(case.spf) if case.spf else ("", "none")
    return asyncio.run(dmarc.check(zone, case.author, signatures, SPF(result, domain)))


def proven(text: str) -> tuple[str, str]:
    domain, _, result = text.partition(" ")
    return domain, result or "pass"


def questions(zone: Zone) -> list[str]:
    kinds = {TXT: "", A: "A "}
    return [f"{kinds[kind]}{name.removeprefix('_dmarc.')}" for name, kind in zone.asked]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.section}: {case.title}" for case in CASES])
def test_result(case: Case) -> None:
    zone = Zone(case.zone)
    found = evaluate(case, zone)
    assert (found.result, found.policy, found.published_at) == (case.result, case.policy, case.at)
    assert found.domain == case.author
    assert f"{found.method} {found.aligned}".strip() == case.by
    if case.asked is not None:
        assert questions(zone) == list(case.asked)


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_no_name_is_asked_for_twice_and_no_walk_has_more_than_eight_questions(case: Case) -> None:
    zone = Zone(case.zone)
    evaluate(case, zone)
    assert len(zone.asked) == len(set(zone.asked))
    assert len(zone.asked) <= 8 * (1 + len(case.dkim) + bool(case.spf)) + 1


@pytest.mark.parametrize("author", ["example.com", "news.shop.example.com", "nobody.example"])
def test_what_is_discovered_early_is_what_the_check_asks_first(author: str) -> None:
    early, later = Zone(EXAMPLE), Zone(EXAMPLE)
    asyncio.run(dmarc.discover(early, author))
    evaluate(Case("", "", author, "", {}, [author]), later)
    assert early.asked == later.asked


def test_discovery_does_not_raise_if_dns_is_dead() -> None:
    asyncio.run(dmarc.discover(Zone({"_dmarc.example.com": ["TIMEOUT"]}), "example.com"))


def test_a_walk_that_never_ends_can_be_cancelled() -> None:
    async def cancelled() -> None:
        async with asyncio.timeout(0.01):
            await dmarc.check(Zone({"_dmarc.example.com": ["SILENCE"]}), "example.com", [], SPF("none"))

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())


def test_the_reason_of_a_doubt_names_the_method_and_the_domain() -> None:
    case = Case("", "", "example.com", "", EXAMPLE, ["mail.example.com temperror"])
    assert evaluate(case, Zone(EXAMPLE)).reason == "dkim of mail.example.com could not be decided"


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 35
    assert len({case.title for case in CASES}) == len(CASES)
