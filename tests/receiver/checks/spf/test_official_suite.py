"""Our SPF gives the results and explanations of the official suite."""

from __future__ import annotations

import asyncio
import ipaddress

from receiver.checks.spf import check_host
from tests.conftest import unavailable
from tests.receiver.checks.source_distribution import NotFetched
from tests.receiver.checks.spf.official_suite import Case, cases


def test_all_203_cases_of_the_official_suite_are_right() -> None:
    try:
        found = list(cases())
    except NotFetched as error:
        unavailable(str(error))
    assert len(found) == 203
    wrong = [problem for case in found for problem in _problems(case)]
    assert not wrong, "\n".join(wrong)


def _problems(case: Case) -> list[str]:
    domain = case.sender.rpartition("@")[2] or case.helo
    identity = "mailfrom" if case.sender else "helo"
    spf = asyncio.run(
        check_host(
            case.zone, ipaddress.ip_address(case.ip), domain, case.sender, case.helo, case.receiver, identity,
            explain=True,
        )
    )  # fmt: skip
    if spf.result not in case.results:
        return [f"{case.name}: {spf.result} ({spf.reason}), not {case.results}"]
    if case.explanation is not None and spf.explanation != case.explanation:
        return [f"{case.name}: the explanation {spf.explanation!r}, not {case.explanation!r}"]
    return []
