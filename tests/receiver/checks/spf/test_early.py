"""If DNS lets a check wait, it asks early, so that a long policy takes a few rounds of questions."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
from collections import Counter

import pytest

from receiver.checks.dns_query import Answer
from receiver.checks.results import SPF
from receiver.checks.spf import check_host
from tests.receiver.checks.spf.checking import MOST_QUESTIONS, PEER, check, check_in
from tests.receiver.checks.spf.test_limits import worst
from tests.receiver.checks.zone import Entry, Zone

LONG: dict[str, list[Entry]] = {
    "example.test": [
        "TXT v=spf1 a mx include:a.test include:b.test include:c.test ptr exists:e.test -all",
        "A 192.0.2.9",
        "MX 10 m1.test",
        "MX 20 m2.test",
    ],
    **{f"{name}.test": ["TXT v=spf1 ip4:10.0.0.0/8 ?all"] for name in "abc"},
    **{name: ["A 192.0.2.9"] for name in ("m1.test", "m2.test", "n1.test", "n2.test")},
    ipaddress.ip_address(PEER).reverse_pointer: ["PTR n1.test", "PTR n2.test"],
}


class _Rounds:
    """Answers in rounds: all questions that wait are answered together. `rounds` has those of each."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.rounds: list[list[tuple[str, int]]] = []
        self._waiting: list[tuple[asyncio.Future[None], tuple[str, int]]] = []

    async def query(self, name: str, kind: int) -> Answer:
        waits = asyncio.get_running_loop().create_future()
        self._waiting.append((waits, (name, kind)))
        await waits
        return await self.zone.query(name, kind)

    async def answer(self, work: asyncio.Task[SPF], rounds: int = 1_000) -> None:
        """Answer until the work has ended, or that many rounds, and let the next one come."""
        while True:
            for _ in range(20):  # whoever can ask without an answer does it now
                await asyncio.sleep(0)
            if work.done() or len(self.rounds) == rounds:
                return
            waiting, self._waiting = self._waiting, []
            self.rounds.append([question for _, question in waiting])
            for waits, _ in waiting:
                if not waits.done():
                    waits.set_result(None)


def checked_in_rounds(table: dict[str, list[Entry]], *, explain: bool = False) -> tuple[str, _Rounds]:
    async def run() -> tuple[str, _Rounds]:
        resolver = _Rounds(Zone(table))
        peer = ipaddress.ip_address(PEER)
        work = asyncio.create_task(
            check_host(resolver, peer, "example.test", "a@example.test", "h.test", explain=explain)
        )
        await resolver.answer(work)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a question is left behind"
        return work.result().result, resolver

    return asyncio.run(run())


def test_a_policy_of_seven_terms_takes_four_rounds_of_questions() -> None:
    found, resolver = checked_in_rounds(LONG)
    assert found == check(LONG).result == "fail"
    assert [len(each) for each in resolver.rounds] == [1, 7, 2, 2]
    assert max(Counter(question for each in resolver.rounds for question in each).values()) == 1


def test_known_answers_are_not_asked_for_early() -> None:
    zone = Zone(
        {**LONG, "example.test": ["TXT v=spf1 a:h.test include:a.test -all"], "h.test": [f"A {PEER}"]}
    )
    assert check_in(zone, "a@example.test").result == "pass"
    assert [name for name, _ in zone.asked] == ["example.test", "h.test"]


@pytest.mark.parametrize("before", [f"ip4:{PEER}", "all"])
def test_nothing_is_asked_early_for_terms_after_a_certain_match(before: str) -> None:
    table: dict[str, list[Entry]] = {
        "example.test": [f"TXT v=spf1 {before} include:a.test mx redirect=b.test"]
    }
    found, resolver = checked_in_rounds(table)
    assert found == "pass"
    assert len(resolver.rounds) == 1


def test_a_failure_of_an_answer_that_is_not_needed_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    table: dict[str, list[Entry]] = {
        "example.test": ["TXT v=spf1 a:h.test include:dead.test -all"],
        "h.test": [f"A {PEER}"],
        "dead.test": ["TIMEOUT"],
    }
    found, resolver = checked_in_rounds(table)
    gc.collect()
    assert found == "pass"
    assert len(resolver.rounds) == 2
    assert checked_in_rounds({**table, "h.test": []})[0] == "temperror"
    assert not caplog.records, "asyncio logs an exception that nobody has looked at"


def test_at_most_ten_terms_of_a_check_are_asked_for_early() -> None:
    table: dict[str, list[Entry]] = {
        "example.test": ["TXT v=spf1 include:a.test " + " ".join(f"a:m{n}.test" for n in range(20))],
        "a.test": ["TXT v=spf1 " + " ".join(f"a:m{n}.test" for n in range(30, 50))],
        **{f"m{n}.test": ["A 192.0.2.9"] for n in range(50)},
    }
    found, resolver = checked_in_rounds(table)
    assert found == "permerror"
    assert [len(each) for each in resolver.rounds] == [1, 10, *[1] * 9]


@pytest.mark.parametrize(
    "table",
    [
        worst(),
        {"example.test": ["TXT v=spf1 " + " ".join(f"mx:m{n}.test" for n in range(5_000))]},
        {
            "example.test": ["TXT v=spf1 include:a.test " + " ".join(f"mx:m{n}.test" for n in range(20))],
            "a.test": ["TXT v=spf1 " + " ".join(f"include:i{n}.test" for n in range(20))],
            **{
                f"i{n}.test": ["TXT v=spf1 " + " ".join(f"a:j{k}.test" for k in range(20))] for n in range(20)
            },
        },
    ],
)
def test_asking_early_adds_at_most_ten_questions(table: dict[str, list[Entry]]) -> None:
    _, resolver = checked_in_rounds(table, explain=True)
    assert sum(map(len, resolver.rounds)) <= MOST_QUESTIONS + 10


def test_a_check_that_asks_early_can_be_cancelled_in_each_round() -> None:
    async def cancelled_in(number: int) -> bool:
        resolver = _Rounds(Zone(LONG))
        peer = ipaddress.ip_address(PEER)
        work = asyncio.create_task(check_host(resolver, peer, "example.test", "a@example.test", "h.test"))
        await resolver.answer(work, rounds=number)
        work.cancel()
        await asyncio.wait({work}, timeout=5)
        for _ in range(5):  # what the check has cancelled ends now
            await asyncio.sleep(0)
        return work.cancelled() and asyncio.all_tasks() == {asyncio.current_task()}

    assert [number for number in range(4) if not asyncio.run(cancelled_in(number))] == []
