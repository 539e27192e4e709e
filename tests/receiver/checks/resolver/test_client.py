"""The resolver of the checks at a real socket: what it asks, remembers, shares, waits for and gives up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from receiver.checks.dns_query import MX, TXT, Answer, TemporaryFailure
from receiver.checks.resolver import CallMissing, NoAnswerInTime, NoResolver, VarlinkResolver
from receiver.loop.eager import eager_task
from receiver.loop.event_loop import new_loop
from tests.receiver.checks.resolver.played import (
    HANG_UP,
    NODATA,
    NXDOMAIN,
    SERVFAIL,
    SILENT,
    Played,
    playing,
    text,
)

SHORT = 0.2  # seconds of patience in tests that wait for nothing


@contextlib.asynccontextmanager
async def resolving(path: Path, patience: float = 5.0) -> AsyncIterator[tuple[VarlinkResolver, Played]]:
    """A resolver, and the server that it asks."""
    async with asyncio.timeout(20), playing(path / "socket") as played:
        resolver = VarlinkResolver(path / "socket", patience)
        try:
            yield resolver, played
        finally:
            resolver.close()


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine, on each of the loops that the receiver may have."""

    def run(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=new_loop if request.param == "uvloop" else None) as runner:
            runner.run(work)

    return run


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


def test_a_resolver_that_restarted_is_asked_again_at_once(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies |= {f"{number}.test": text(b"1") for number in range(8)}
            await asyncio.gather(*(resolver.query(f"{number}.test", TXT) for number in range(8)))
            played.hang_up()
            played.replies["a.test"] = text(b"2")
            assert (await resolver.query("a.test", TXT)).records == (b"2",)

    run(test())


def test_a_connection_that_dies_with_the_question_is_tried_once_more(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies |= {"a.test": text(b"1"), "b.test": [HANG_UP, text(b"2")], "c.test": HANG_UP}
            await resolver.query("a.test", TXT)
            assert (await resolver.query("b.test", TXT)).records == (b"2",)
            with pytest.raises(NoResolver):
                await resolver.query("c.test", TXT)
            assert played.asked.count(("b.test", TXT)) == played.asked.count(("c.test", TXT)) == 2

    run(test())


@pytest.mark.parametrize("there", ["no socket", "refused", "no folder"])
def test_without_a_resolver_the_question_fails_at_once(tmp_path: Path, run: Any, there: str) -> None:
    async def test() -> None:
        path = tmp_path / "folder" / "socket" if there == "no folder" else tmp_path / "socket"
        if there == "refused":
            async with playing(path):
                pass
        resolver = VarlinkResolver(path)
        began = time.monotonic()
        with pytest.raises(NoResolver, match="socket"):
            await resolver.query("a.test", TXT)
        assert time.monotonic() - began < 0.1
        assert resolver.timeouts == 0

    run(test())


def test_a_resolver_that_comes_back_is_asked(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        resolver = VarlinkResolver(tmp_path / "socket")
        with pytest.raises(NoResolver):
            await resolver.query("a.test", TXT)
        async with playing(tmp_path / "socket") as played:
            played.replies["a.test"] = text(b"1")
            assert (await resolver.query("a.test", TXT)).records == (b"1",)
            resolver.close()

    run(test())


def test_silence_is_a_temporary_failure_after_the_patience(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path, SHORT) as (resolver, played):
            played.replies["a.test"] = SILENT
            with pytest.raises(NoAnswerInTime, match=r"no answer for a\.test in 0\.2 s"):
                await resolver.query("a.test", TXT)
            assert (resolver.questions, resolver.timeouts) == (1, 1)
            await played.taken_back.wait()

    run(test())


def test_a_silent_resolver_gets_a_second_until_it_answers(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path, 1.5) as (resolver, played):
            played.replies |= {f"{number}.test": SILENT for number in range(10)} | {"yes.test": text(b"1")}

            async def failure(name: str) -> str:
                with pytest.raises(NoAnswerInTime) as raised:
                    await resolver.query(name, TXT)
                return str(raised.value)

            said = await asyncio.gather(*(failure(f"{number}.test") for number in range(3)))
            assert all("in 1.5 s" in each for each in said)
            assert "in 1 s" in await failure("4.test")
            await resolver.query("yes.test", TXT)
            assert "in 1.5 s" in await failure("5.test")

    run(test())


def test_a_resolver_without_the_call_is_told_apart(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            method = {"method": "io.systemd.Resolve.ResolveRecord"}
            played.replies["a.test"] = {
                "error": "org.varlink.service.MethodNotFound",
                "parameters": method,
            }
            with pytest.raises(CallMissing):
                await resolver.query("a.test", TXT)

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


def test_closing_fails_the_questions_that_are_asked(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["a.test"] = SILENT
            waiter = asyncio.create_task(resolver.query("a.test", TXT))
            await played.was_asked.wait()
            resolver.close()
            with pytest.raises(TemporaryFailure, match="closed"):
                await waiter
            await played.taken_back.wait()
            with pytest.raises(TemporaryFailure, match="closed"):
                await resolver.query("b.test", TXT)

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
