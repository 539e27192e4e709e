"""A part of the way to the bucket is broken: a message has 250 and all copies there, or 4xx within 20 s."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bucket.gateway import Fault
from tests.bucket.seaweed import Engine
from tests.receiver.bucket.path import LATEST, Load, Way, message, path, send
from tests.receiver.processes import wait_until
from tests.receiver.wire import Client

ALICE, BOB = "alice@example.test", "bob@example.test"
AWAY = "451 4.3.0 Mail cannot be stored safely now, try again later"
SMALL = message(b"small", "small@broken.test")
LARGE = message(b"\r\n".join([b"0123456789" * 9] * 3000), "large@broken.test")


def _no_service(way: Way) -> Callable[[], object]:
    way.service.end(signal.SIGKILL)
    way.service.socket.unlink()
    return way.service.start


def _stopped(way: Way) -> Callable[[], object]:
    process = way.service.process
    assert process
    process.send_signal(signal.SIGSTOP)
    return lambda: process.send_signal(signal.SIGCONT)


def _hangs(way: Way) -> Callable[[], object]:
    way.gate.every(Fault.HANG)
    return way.gate.heal


def _answers_never(way: Way) -> Callable[[], object]:
    way.gate.every(Fault.HANG_AFTER)
    return way.gate.heal


BREAKS = {
    "no service": _no_service,
    "a service that was stopped": _stopped,
    "an engine that hangs": _hangs,
    "an engine that does it and does not say so": _answers_never,
}


@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS)
def test_no_answer_is_451_in_time_the_receiver_goes_on_and_the_next_try_is_the_same_message(
    tmp_path: Path, engine: Engine, breaks: Callable[[Way], Callable[[], object]]
) -> None:
    with path(tmp_path, engine) as way:
        assert send(way.server.port, message(b"before", "0@broken.test"), ALICE).startswith("250")
        mend = breaks(way)
        replies: dict[bytes, tuple[str, float]] = {}

        def try_once(content: bytes) -> None:
            began = time.monotonic()
            replies[content] = send(way.server.port, content, ALICE, BOB), time.monotonic() - began

        threads = [threading.Thread(target=try_once, args=(each,)) for each in (SMALL, LARGE)]
        for each in threads:
            each.start()
        slowest = 0.0
        with Client(way.server.port) as client:
            client.expect(220)
            client.ask("EHLO client.test", 250)
            while any(each.is_alive() for each in threads):
                began = time.monotonic()
                client.ask("NOOP", 250)
                slowest = max(slowest, time.monotonic() - began)
                threads[0].join(0.01)
        assert {reply for reply, _ in replies.values()} == {AWAY}, replies
        assert max(seconds for _, seconds in replies.values()) < LATEST
        assert slowest < 10, "a machine that stands still, and no wait for the bucket, which takes 14 s"
        assert way.server.process.poll() is None
        mend()
        for content in (SMALL, LARGE):
            wait_until(
                lambda content=content: send(way.server.port, content, ALICE, BOB).startswith("250"), "250"
            )
        for mailbox in ("alice", "bob"):
            found = [each for each in way.contents(mailbox) if each != hashlib.sha256(SMALL).hexdigest()]
            assert found.count(hashlib.sha256(LARGE).hexdigest()) == 1
            assert len(way.contents(mailbox)) == (3 if mailbox == "alice" else 2)
        wait_until(lambda: not any(way.server.mail.glob("[!.]*/*/*/*")), "no file stays in a Maildir")


@pytest.mark.parametrize("fault", [Fault.QUOTA, Fault.FULL])
def test_a_store_that_is_full_is_452(tmp_path: Path, engine: Engine, fault: Fault) -> None:
    with path(tmp_path, engine) as way:
        way.gate.every(fault)
        assert send(way.server.port, SMALL, ALICE) == "452 4.3.1 Not enough storage, try again later"
        way.gate.heal()
        assert send(way.server.port, SMALL, ALICE).startswith("250")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_that_is_killed_under_load_costs_a_retry_at_most(
    tmp_path: Path, engine: Engine, workers: int
) -> None:
    with path(tmp_path, engine, workers=workers) as way:
        load = Load(way.server.port)
        threads = load.start(4, (500, 20_000, 90_000, 200_000))
        for kill in range(6):
            number = kill  # The next one comes while messages are under way.
            wait_until(lambda number=number: len(load.acknowledged) > number * 2, "messages are answered")
            way.service.end(signal.SIGKILL)
            way.service.socket.unlink()
            way.service.start()
        load.over = True
        for each in threads:
            each.join(60)
        assert set(load.replies) <= {"250 2", "451 4"}, load.replies
        assert load.slowest < LATEST
        for mailbox in ("alice", "bob"):
            assert way.contents(mailbox) == sorted(load.acknowledged), "all there, whole, once"
        assert way.server.process.poll() is None
