"""A judge of what senders were told and what the bucket has: right for the service, and wrong for mutants."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from receiver.mailbox import Mailbox
from tests.bucket.gateway import Fault, Gateway
from tests.bucket.seaweed import Engine
from tests.bucket.service import MODULE, service
from tests.services.bucket.messages import TRACE, content, copy, objects, put

MESSAGES = 8
PATIENCE = 6.0  # seconds of a sender at a store that hangs; a service that answers early needs none


def judge(folder: Path, gate: Gateway, engine: Engine, bob: Mailbox, module: str = MODULE) -> tuple[int, int]:
    """Deliver messages through faults and a kill, as senders do. How many are lost, and how many twice?

    The last one comes while the store hangs, and then the service is killed.
    """
    with service(folder, [gate.url("mail")], engine.key, engine.secret, module) as running:
        messages, told = [content() for _ in range(MESSAGES + 1)], set()
        for number, message in enumerate(messages[:MESSAGES]):
            gate.at(1, Fault.CUT_AFTER if number % 2 else Fault.SLOW_DOWN)
            for _ in range(3):
                with suppress(OSError), running.client() as client:
                    put(client, message, bob)
                    told.add(number)
                    if number % 3:
                        break  # Else the reply is lost on its way, so the sender tries again.
        gate.every(Fault.HANG)
        with suppress(OSError), running.client(PATIENCE) as client:
            put(client, messages[-1], bob)
            told.add(MESSAGES)
        running.end(9)
        gate.heal()
        running.start()
        with running.client() as client:
            there = Counter(hashlib.sha256(each).digest() for each in objects(client, bob.domain).values())
    digests = [hashlib.sha256(copy(bob).fields + TRACE + each).digest() for each in messages]
    lost = sum(not there[digests[number]] for number in told)
    return lost, sum(there[each] > 1 for each in digests)


def test_the_service_loses_nothing_and_has_nothing_twice(
    tmp_path: Path, gate: Gateway, engine: Engine, bob: Mailbox
) -> None:
    assert judge(tmp_path, gate, engine, bob) == (0, 0)


def test_a_service_that_answers_before_its_put_loses_mail(
    tmp_path: Path, gate: Gateway, engine: Engine, bob: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTANT", "early")
    lost, _ = judge(tmp_path, gate, engine, bob, "tests.bucket.mutants")
    assert lost


def test_a_service_with_unique_keys_has_mail_twice(
    tmp_path: Path, gate: Gateway, engine: Engine, bob: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUTANT", "unique")
    _, twice = judge(tmp_path, gate, engine, bob, "tests.bucket.mutants")
    assert twice
