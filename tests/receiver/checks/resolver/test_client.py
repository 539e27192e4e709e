"""The resolver of the checks at a real socket: what it asks, remembers and shares."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from receiver.checks.dns_query import MX, TXT, Answer, TemporaryFailure
from receiver.checks.resolver import VarlinkResolver
from receiver.loop.eager import eager_task
from tests.receiver.checks.resolver.played import (
    NODATA,
    NXDOMAIN,
    SERVFAIL,
    SILENT,
    resolving,
    text,
)


def test_the_question_is_as_resolved_wants_it(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["example.com"] = text(b"v=spf1 -all")
            assert await resolver.query("Example.COM.", TXT) == Answer((b"v=spf1 -all",))
            (call,) = played.calls
            assert call["method"] == "io.systemd.Resolve.ResolveRecord"
            assert call["parameters"] == {"name": "example.com", "class": 1, "type": 16, "flags": 1 | 1 << 11}

    run(test())


def test_a_known_answer_comes_without_waiting_and_without_a_question(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies |= {"yes.test": text(b"1"), "nx.test": NXDOMAIN, "no.test": NODATA}
            for name in played.replies:
                first = await resolver.query(name, TXT)
                again = resolver.query(name, TXT)
                with pytest.raises(StopIteration) as returned:
                    again.send(None)
                assert returned.value.value == first
            assert len(played.asked) == resolver.questions == 3

    run(test())


def test_a_failure_is_not_remembered(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["a.test"] = [SERVFAIL, text(b"1")]
            with pytest.raises(TemporaryFailure, match=r"DNSError 2 for a\.test"):
                await resolver.query("a.test", TXT)
            assert (await resolver.query("a.test", TXT)).records == (b"1",)

    run(test())


def test_the_same_question_is_asked_once_at_a_time(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["a.test"] = text(b"1")
            answers = await asyncio.gather(*(resolver.query("a.test", TXT) for _ in range(50)))
            assert {answer.records for answer in answers} == {(b"1",)}
            assert played.asked == [("a.test", TXT)]
            played.replies["a.test"] = NODATA
            assert (await resolver.query("a.test", MX)).records == ()

    run(test())


def test_connections_are_used_again_and_never_more_than_32(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies |= {f"{number}.test": text(b"1") for number in range(500)}
            await asyncio.gather(*(resolver.query(f"{number}.test", TXT) for number in range(500)))
            assert len(set(played.asked)) == 500
            assert played.connections <= 32
            assert played.most_unanswered <= 32

    run(test())


def test_a_cancelled_waiter_leaves_the_question_to_the_others(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            asked, go_on = asyncio.Event(), asyncio.Event()

            async def later() -> Any:
                asked.set()
                await go_on.wait()
                return text(b"1")

            played.replies["a.test"] = later
            first, second = (asyncio.create_task(resolver.query("a.test", TXT)) for _ in range(2))
            await asked.wait()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            go_on.set()
            assert (await second).records == (b"1",)
            assert len(played.asked) == 1

    run(test())


def test_a_question_for_which_nobody_waits_is_taken_back(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["a.test"] = [SILENT, text(b"1")]
            waiters = [asyncio.create_task(resolver.query("a.test", TXT)) for _ in range(2)]
            await played.was_asked.wait()
            for waiter in waiters:
                waiter.cancel()
            await asyncio.gather(*waiters, return_exceptions=True)
            await played.taken_back.wait()
            assert (await resolver.query("a.test", TXT)).records == (b"1",)
            assert resolver.timeouts == 0

    run(test())


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".test", "ü.test", ".".join(["a" * 60] * 5)])
def test_an_impossible_name_does_not_exist_and_is_not_asked(tmp_path: Path, run: Any, name: str) -> None:
    async def test() -> None:
        resolver = VarlinkResolver(tmp_path / "socket")
        assert await resolver.query(name, TXT) == Answer(exists=False)
        assert resolver.questions == 0

    run(test())


def test_a_backslash_of_a_name_stays_a_backslash(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["a\\\\.b.test"] = NODATA
            assert (await resolver.query("a\\.b.test", TXT)).records == ()

    run(test())


def test_a_conversation_outside_of_a_task_may_ask(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["a.test"] = text(b"1")
            found: list[Answer] = []

            async def work() -> None:
                found.append(await resolver.query("a.test", TXT))

            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            assert eager_task(work(), loop, ended.set) is not None
            await ended.wait()
            assert eager_task(work(), loop, ended.set) is None
            assert [each.records for each in found] == [(b"1",), (b"1",)]

    run(test())
