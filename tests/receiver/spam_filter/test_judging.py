"""rspamd is asked over its socket. Whatever it does, no message waits for longer than the deadline."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from receiver.spam_filter import Judgement, SpamFilter
from tests.receiver.processes import DEADLINE
from tests.receiver.spam_filter.stand_in import (
    GTUBE,
    Behaviour,
    answer,
    deaf,
    replying,
    request_on,
    result,
    rspamd,
    silent,
    slow,
)

MESSAGE = b"From: <stranger@sender.test>\r\n\r\nHello\r\n"


async def in_pieces(message: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(message), 65_536):
        yield message[start : start + 65_536]


def judge(path: Path, message: bytes = MESSAGE, deadline: float = 10) -> Judgement:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(judged(path, deadline, message))


async def judged(path: Path, deadline: float, message: bytes) -> Judgement:
    check = SpamFilter(path, "mx.example.test", deadline).message(
        "M1P2Q3R4",
        peer="192.0.2.7",
        helo="mail",
        sender="stranger@sender.test",
        recipients=("alice@example.test", "bücher@example.test"),
    )
    return replace(await check.judge(len(message), in_pieces(message), "mail.sender.test"), seconds=0.0)


def test_rspamd_is_told_of_the_envelope_and_gets_the_message(tmp_path: Path) -> None:
    asked: list[tuple[bytes, bytes]] = []

    def behave(connection: socket.socket) -> None:
        asked.append(request_on(connection))
        connection.sendall(result(GTUBE))

    message = b"X: y\r\n\r\n" + b"Hello\r\n" * 100_000
    with rspamd(tmp_path / "socket", behave):
        judgement = judge(tmp_path / "socket", message)
    assert judgement == Judgement(is_spam=True, score=15.0, required=6.0, rejects=True)
    ((head, content),) = asked
    assert content == message
    assert head.decode().split("\r\n") == [
        "POST /checkv2 HTTP/1.0",
        f"Content-Length: {len(message)}",
        "Queue-Id: M1P2Q3R4",
        "MTA-Name: mx.example.test",
        "IP: 192.0.2.7",
        "Hostname: mail.sender.test",
        "Helo: mail",
        "From: <stranger@sender.test>",
        "Rcpt: <alice@example.test>",
        "Rcpt: <bücher@example.test>",
    ]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "it hung up without a reply"),
        (b"220 mx.example.test ESMTP\r\n", "its reply is not HTTP"),
        (result(GTUBE)[:40], "its reply is not JSON"),
        (result(GTUBE)[:-1], "its reply is not JSON"),
        (result(b"<html>"), "its reply is not JSON"),
        (result(b"\xff" + GTUBE), "its reply is not JSON"),
        (result(b"[" * 100_000), "its reply is not JSON"),
        (result(b"[]"), "its reply has no action"),
        (result(b'{"error":"too busy"}'), "its reply has no action"),
        (result(b'{"action":1,"score":1,"required_score":1}'), "its reply has no action"),
        (result(answer(score='"7"')), "a score of its reply is not a number"),
        (result(answer(score="true")), "a score of its reply is not a number"),
        (result(answer(score="NaN")), "a score of its reply is not a number"),
        (result(answer(score="-1e300")), "a score of its reply is not a number"),
        (result(GTUBE, b"500 Internal server error"), "it replied with the HTTP status 500"),
        (result(GTUBE, b"403 File or Path is not allowed"), "it replied with the HTTP status 403"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 1_000_000, "its reply has more than 524288 octets"),
    ],
)
def test_a_reply_that_is_not_understood_is_no_judgement(tmp_path: Path, reply: bytes, reason: str) -> None:
    path = tmp_path / "socket"
    with rspamd(path, replying(reply)):
        assert judge(path) == Judgement(reason=f"{path}: {reason}")


def test_a_message_with_many_links_is_judged_although_rspamd_lists_them_all(tmp_path: Path) -> None:
    urls = ",".join(f'"{number}.{"x" * 200}.test"' for number in range(10_240))
    whole = result(answer("add header", "7", f',"messages":{{}},"urls":[{urls}],"emails":[]'))
    assert len(whole) > 2_000_000
    with rspamd(tmp_path / "socket", replying(whole)):
        assert judge(tmp_path / "socket").is_spam is True


def test_without_rspamd_the_answer_is_unknown_at_once(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert judge(path) == Judgement(reason=f"{path}: No such file or directory")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))  # and does not listen
    assert judge(path) == Judgement(reason=f"{path}: Connection refused")


@pytest.mark.parametrize("behave", [silent, slow, deaf])
def test_an_rspamd_that_does_not_answer_is_left_after_the_deadline(tmp_path: Path, behave: Behaviour) -> None:
    message = b"x" * (8_000_000 if behave is deaf else 100)
    with rspamd(tmp_path / "socket", behave):
        began = time.monotonic()
        assert judge(tmp_path / "socket", message, deadline=0.3) == Judgement(reason="no answer within 0.3 s")
        assert 0.29 < time.monotonic() - began < 10  # a timer counts in whole milliseconds


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_other_work_goes_on_while_rspamd_thinks(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    has_thought = threading.Event()

    def think(connection: socket.socket) -> None:
        request_on(connection)
        has_thought.wait(DEADLINE)
        connection.sendall(result(answer()))

    async def main() -> None:
        asking = asyncio.gather(*(judged(tmp_path / "socket", DEADLINE, b"x") for _ in range(50)))
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert not asking.done()
        has_thought.set()
        assert {each.is_spam for each in await asking} == {False}

    with rspamd(tmp_path / "socket", think), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_many_messages_are_left_after_the_deadline_at_the_same_time(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def main() -> None:
        found = await asyncio.gather(*(judged(tmp_path / "socket", 0.5, b"x") for _ in range(50)))
        assert {each.reason for each in found} == {"no answer within 0.5 s"}

    with rspamd(tmp_path / "socket", silent), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


def test_a_fault_of_ours_is_no_judgement_either(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise KeyError("a fault")

    with rspamd(tmp_path / "socket", silent):
        check = SpamFilter(tmp_path / "socket", "mx.example.test").message("M1", "", "", "", ())
        judgement = asyncio.run(check.judge(2, broken()))
    assert judgement.is_spam is None
    assert judgement.reason == "KeyError: 'a fault'"
