"""A resolver that is silent, missing, too old, or goes away: what the checks see of it."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from receiver.checks.dns_query import TXT, A, Answer, TemporaryFailure
from receiver.checks.resolver import CallMissing, NoAnswerInTime, NoResolver, VarlinkResolver
from tests.receiver.checks.resolver.played import (
    HANG_UP,
    SILENT,
    Reply,
    playing,
    records,
    resolving,
    text,
)

SHORT = 1.0  # second of patience in a test that waits for nothing else; a question must be sent in it


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
        resolver = VarlinkResolver(path, patience=5.0)
        began = time.monotonic()
        with pytest.raises(NoResolver, match=r"^the receiver has no resolver$"):
            await resolver.query("a.test", TXT)
        assert time.monotonic() - began < 5
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
            with pytest.raises(NoAnswerInTime, match=r"no answer for a\.test in 1 s"):
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


NO_SERVERS: Reply = {"error": "io.systemd.Resolve.NoNameServers", "parameters": {}}


def test_what_resolved_asks_no_nameserver_for_it_may_answer_itself(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            played.replies["mx1.test"] = [NO_SERVERS, records(A, b"\xc0\0\2\1")]
            assert (await resolver.query("mx1.test", A)).records == (ip_address("192.0.2.1"),)
            assert [call["parameters"]["flags"] for call in played.calls] == [1 | 1 << 11, 1]

    run(test())


def test_without_any_nameserver_a_public_name_is_unknown_and_a_local_one_is_not_there(
    tmp_path: Path, run: Any
) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            for name in ("host.local", "localhost", "1.1.254.169.in-addr.arpa", "0.a.e.f.ip6.arpa"):
                played.replies[name] = NO_SERVERS
                assert await resolver.query(name, TXT) == Answer(exists=False)
            for name in (
                "a.test",
                "local.test",
                "a.mylocal",
                "1.254.168.192.in-addr.arpa",
                "0.c.e.f.ip6.arpa",
            ):
                played.replies[name] = NO_SERVERS
                with pytest.raises(TemporaryFailure, match="no nameserver to ask"):
                    await resolver.query(name, TXT)

    run(test())


def test_a_domain_whose_nameservers_are_silent_leaves_room_for_the_others(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path) as (resolver, played):
            names = [f"{number}._domainkey.silent.test" for number in range(64)]
            played.replies |= dict.fromkeys(names, SILENT) | {"a.test": text(b"1")}
            waiting = [asyncio.create_task(resolver.query(name, TXT)) for name in names]
            await played.was_asked.wait()
            assert (await resolver.query("a.test", TXT)).records == (b"1",)
            assert played.most_unanswered <= 8 + 1
            resolver.close()
            await asyncio.gather(*waiting, return_exceptions=True)

    run(test())


def test_no_more_than_eight_questions_about_a_domain_are_asked_at_a_time(tmp_path: Path, run: Any) -> None:
    async def test() -> None:
        async with resolving(tmp_path, SHORT) as (resolver, played):
            names = [f"{number}.silent.test" for number in range(20)]
            played.replies |= dict.fromkeys(names, SILENT)
            asking = [asyncio.create_task(resolver.query(name, TXT)) for name in names]
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            # The first questions end now. Only then may others get their places.
            assert len(played.asked) == 8
            failed = await asyncio.gather(*asking, return_exceptions=True)
            assert {type(each) for each in failed} == {NoAnswerInTime}
            assert resolver.timeouts == 20

    run(test())
