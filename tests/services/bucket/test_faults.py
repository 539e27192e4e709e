"""Every fault at every PUT in turn: the answer is 0 and the object is there, or it is an errno in time.

A client that is told an errno tries again, as a sender does, and then the object is there once.
"""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from receiver.bucket.client import Client
from receiver.bucket.protocol import Copy
from receiver.mailbox import Mailbox
from services.bucket.engine import ATTEMPT
from tests.bucket.gateway import Fault, Gateway, gateway
from tests.bucket.seaweed import Engine
from tests.bucket.service import Service, service
from tests.services.bucket.messages import TRACE, content, copy, file_name, objects, put
from tests.waiting import wait_until

IN_TIME = 14.0 + 10  # seconds: the deadline, and in a test a machine that stands still
PATIENT = 60.0  # seconds of a client that does not give up before the service does
FULL = (Fault.QUOTA, Fault.FULL)
REFUSALS = (Fault.BAD_KEY, Fault.BAD_SIGNATURE, Fault.SKEWED, Fault.NO_BUCKET)
HANGS = (Fault.HANG, Fault.HANG_AFTER)
LIES = (Fault.NO_CONDITIONS, Fault.LOST)  # of stores that keep no promise, which a service cannot find out
AT_ONCE = [each for each in Fault if each not in (*HANGS, *LIES, Fault.NO_KEY)]


@pytest.fixture
def copies(bob: Mailbox) -> list[Copy]:
    return [copy(Mailbox(bob.domain, each)) for each in ("bob", "alice", "carol")]


def assert_each_is_there_once(client: Client, copies: list[Copy], message: bytes) -> None:
    expected = sorted(hashlib.sha256(each.fields + TRACE + message).digest() for each in copies)
    there = objects(client, copies[0].mailbox.domain)
    found = sorted(hashlib.sha256(each).digest() for each in there.values())
    assert found == expected


@pytest.mark.parametrize("fault", AT_ONCE, ids=lambda each: each.name)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_one_fault_costs_nothing(
    client: Client, gate: Gateway, copies: list[Copy], fault: Fault, nth: int
) -> None:
    message = content()
    gate.at(nth, fault)
    put(client, message, copies)
    assert_each_is_there_once(client, copies, message)


@pytest.mark.parametrize("fault", HANGS, ids=lambda each: each.name)
def test_a_put_that_hangs_is_tried_again_in_time(
    client: Client, gate: Gateway, copies: list[Copy], fault: Fault
) -> None:
    message = content()
    gate.at(2, fault)
    began = time.monotonic()
    put(client, message, copies)
    assert time.monotonic() - began < IN_TIME
    assert_each_is_there_once(client, copies, message)


def deliver_in_spite_of(fault: Fault, folder: Path, engine: Engine, bob: Mailbox) -> None:
    """Deliver a message while a fault stays, and once more after it: it is there once."""
    message, copies = content(), [copy(bob)]
    with (
        gateway(engine.endpoint) as gate,
        service(folder, [gate.url("mail")], engine.key, engine.secret) as running,
        running.client(PATIENT) as client,
    ):
        gate.every(fault)
        began = time.monotonic()
        try:
            put(client, message, copies)
        except OSError as error:
            assert error.errno in {errno.EIO, errno.ETIMEDOUT, errno.EHOSTUNREACH}
        else:
            assert_each_is_there_once(client, copies, message)  # The HEAD told that it was done.
        assert time.monotonic() - began < IN_TIME
        gate.heal()
        put(client, message, copies)
        assert_each_is_there_once(client, copies, message)


def test_a_fault_that_stays_is_an_errno_in_time_and_then_the_message_is_there_once(
    tmp_path: Path, engine: Engine, bob: Mailbox
) -> None:
    faults = [
        Fault.ERROR,
        Fault.SLOW_DOWN,
        Fault.CONFLICT,
        Fault.LYING_412,
        Fault.CUT_BEFORE,
        Fault.CUT_AFTER,
    ]
    with ThreadPoolExecutor(len(faults)) as at_once:  # Each waits for its deadline.
        done = [
            at_once.submit(
                deliver_in_spite_of,
                fault,
                tmp_path / fault.name,
                engine,
                Mailbox(f"{fault.name.lower().replace('_', '-')}.{bob.domain}", "bob"),
            )
            for fault in faults
        ]
    for each in done:
        each.result()


@pytest.mark.parametrize("fault", REFUSALS + FULL, ids=lambda each: each.name)
def test_a_refusal_that_stays_is_said_soon(
    client: Client, gate: Gateway, copies: list[Copy], fault: Fault
) -> None:
    message = content()
    seen = gate.puts
    gate.every(fault)
    with pytest.raises(OSError) as refused:
        put(client, message, copies)
    assert refused.value.errno == (errno.ENOSPC if fault in FULL else errno.EIO)
    # Three tries of each, and one more that a machine which stood still did not answer: 14 s have far more.
    assert gate.puts - seen <= 4 * len(copies)
    gate.heal()
    put(client, message, copies)
    assert_each_is_there_once(client, copies, message)


def test_a_hung_gateway_is_left_for_the_next_one(
    tmp_path: Path, engine: Engine, gate: Gateway, copies: list[Copy]
) -> None:
    prefix = "hung"
    with gateway(engine.endpoint) as second:
        urls = [f"{each.url('mail')}/{prefix}" for each in (gate, second)]
        with service(tmp_path / "bucket", urls, engine.key, engine.secret) as running:
            client = running.client(PATIENT)
            for method in ("PUT", "HEAD"):
                gate.every(Fault.HANG, method)
            large, small = content(2_000_000), content()
            began = time.monotonic()
            put(client, large, copies)
            assert time.monotonic() - began < IN_TIME
            seen = gate.puts
            put(client, small, copies)
            assert gate.puts == seen, "the gateway that hangs is tried again"
            assert len(objects(client, copies[0].mailbox.domain)) == 6
            client.close()


def test_a_store_that_is_slow_for_all_has_the_message_in_time(
    client: Client, gate: Gateway, copies: list[Copy]
) -> None:
    message = content()
    gate.delay = ATTEMPT + 0.3  # longer than one try may take
    put(client, message, copies)
    assert_each_is_there_once(client, copies, message)


def test_a_large_object_has_longer_than_a_small_one_while_its_gateway_answers(
    tmp_path: Path, engine: Engine, gate: Gateway, copies: list[Copy]
) -> None:
    gate.delay = 6.0
    urls = [f"{gate.url('mail')}/slow"] * 2
    with service(tmp_path / "bucket", urls, engine.key, engine.secret) as running, running.client() as client:
        seen = gate.puts
        put(client, content(1_500_000), copies[:1])
        assert gate.puts == seen + 1
        assert len(objects(client, copies[0].mailbox.domain)) == 1


def test_each_try_of_a_large_message_for_many_sends_only_what_the_store_lacks(
    client: Client, gate: Gateway, copies: list[Copy]
) -> None:
    sent = []
    while sent[-1:] != [1] and len(sent) < 3:  # What is not said in 2 s is sent again: a busy machine.
        large, name = content(2_000_000), file_name()
        gate.at(2, Fault.BAD_KEY, times=3)
        with pytest.raises(OSError, match="InvalidAccessKeyId"):
            put(client, large, copies[:2], name=name)
        puts = gate.puts
        put(client, large, copies[:2], name=name)
        sent.append(gate.puts - puts)
    assert sent[-1] == 1, sent


def test_few_copies_of_a_large_message_share_the_line(
    client: Client, gate: Gateway, copies: list[Copy]
) -> None:
    for size, at_once in ((20_000_000, 1), (8_000_000, 2), (1000, 3)):
        gate.delay, gate.most, gate.together = 0.3, 0, at_once
        put(client, content(size), copies)
        assert gate.most == at_once


def test_a_service_that_is_killed_and_started_again_costs_one_more_try(
    bucket: Service, gate: Gateway, copies: list[Copy]
) -> None:
    message = content()
    gate.delay, seen = 1.0, gate.puts
    done: list[BaseException | None] = []

    def deliver() -> None:
        try:
            with bucket.client() as client:
                put(client, message, copies)
            done.append(None)
        except BaseException as error:
            done.append(error)

    thread = threading.Thread(target=deliver)
    thread.start()
    wait_until(lambda: gate.puts > seen, "the first PUT")
    bucket.end(9)
    bucket.start()
    thread.join()
    assert done == [None]
    with bucket.client() as client:
        assert_each_is_there_once(client, copies, message)


def test_what_is_under_way_is_finished_at_the_end(bucket: Service, gate: Gateway, copies: list[Copy]) -> None:
    message = content()
    gate.delay, seen = 2.0, gate.puts
    thread = threading.Thread(target=lambda: put(bucket.client(), message, copies))
    thread.start()
    wait_until(lambda: gate.puts >= seen + len(copies), "a PUT of each copy")
    assert bucket.end() == 0
    thread.join()
    bucket.start()
    with bucket.client() as client:
        assert_each_is_there_once(client, copies, message)
    assert "event=ended" in bucket.log.read_text()
    assert "unfinished" not in bucket.log.read_text()
