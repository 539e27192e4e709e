"""The program is killed at random moments: no message is lost, and each keeps one id.

A program that takes a message out of the queue before the target has it loses some. The same test catches
such a program.
"""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.rooms import ROOT
from tests.services.hooks.hooks import Hook
from tests.services.hooks.target import OK, Request, Target, status
from tests.waiting import wait_until

KILLS = 50
UNLINKS_FIRST = """
import os, sys
from receiver.reading import stored
from services.hooks.command import main
from services.hooks.messages.envelope import file_of
from services.hooks.url.posting import Poster

def call(self, name, path):
    body = stored.content(file_of(name, path))
    os.unlink(path)
    return self._post(name, body)

Poster.__call__ = call
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Outcome:
    """What came of it. `lost` are the names of messages that are neither in the queue nor with the target."""

    kills: int
    stored: int
    lost: int
    unknown: int
    repeated: int


def killed_at_random(hook: Hook, target: Target, kills: int, program: Sequence[str] = ()) -> Outcome:
    """Kill the program this often, and let it end its work. Messages come in all the time."""
    chance = random.Random(18)
    taken: set[str] = set()

    def answer(connection: socket.socket, request: Request) -> None:
        time.sleep(chance.random() * 0.05)  # the target works
        if chance.random() < 0.1:
            status("503 Service Unavailable", "Retry-After: 0")(connection, request)
            return
        taken.add(request.id)
        connection.sendall(OK)

    target.answer = answer
    stored: set[str] = set()
    for _ in range(kills):
        stored |= {hook.store() for _ in range(4)}
        # What it remembers of its tries would make it wait, and a kill would meet nothing.
        (hook.queue / "state.json").unlink(missing_ok=True)
        with subprocess.Popen(hook.command(*program), stderr=subprocess.DEVNULL, cwd=ROOT) as process:
            seen = len(target.requests)
            wait_until(lambda seen=seen: len(target.requests) > seen, "a request")  # type: ignore[misc]
            time.sleep(chance.random() * 0.1)  # a random moment
            process.send_signal(signal.SIGKILL)
    target.answer = lambda connection, request: (taken.add(request.id), connection.sendall(OK))[0]
    (hook.queue / "state.json").unlink(missing_ok=True)
    with hook.running(program):
        wait_until(lambda: not hook.names(), "an empty queue")
    ids = target.ids
    return Outcome(
        kills, len(stored), len(stored - taken), len(ids.keys() - stored), sum(ids.values()) - len(ids)
    )


@pytest.fixture
def hook(tmp_path: Path, target: Target) -> Hook:
    """The raw form needs no second process, so the program starts sooner."""
    return Hook(tmp_path, url=target.url(), allow_private=True, form="raw")


def test_50_kills_lose_no_message_and_change_no_id(hook: Hook, target: Target) -> None:
    outcome = killed_at_random(hook, target, KILLS)
    print(outcome)
    assert outcome.lost == 0
    assert outcome.unknown == 0
    assert outcome.repeated > 0, "a kill meets messages under way, or it proves nothing"


def test_a_program_that_unlinks_before_it_posts_is_caught(hook: Hook, target: Target) -> None:
    outcome = killed_at_random(hook, target, 5, ("-c", UNLINKS_FIRST))
    assert outcome.lost > 0
