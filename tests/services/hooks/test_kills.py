"""The program is killed at random moments: no message is lost, and each keeps one id.

A program that takes a message out of the queue before the target has it loses some. The same test catches
such a program.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.rooms import ROOT
from tests.services.hooks.hooks import Hook
from tests.services.hooks.target import OK, Request, Target
from tests.waiting import wait_until

KILLS = 100
PROGRAM = """
import os, sys
from services.hooks.command import main
{change}
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os._exit(main(sys.argv[1:]))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""Runs the program in a child for each line of its input, so that it is imported once."""

UNLINKS_FIRST = """
from receiver.reading import stored
from services.hooks.messages.envelope import file_of
from services.hooks.url.posting import Poster

def call(self, name, path):
    body = stored.content(file_of(name, path))
    os.unlink(path)
    return self._post(name, body)

Poster.__call__ = call
"""


@dataclass(frozen=True)
class Outcome:
    """What came of it. `lost` are the names of messages that are neither in the queue nor with the target."""

    kills: int
    stored: int
    lost: int
    unknown: int
    repeated: int


def killed_at_random(
    hook: Hook, target: Target, kills: int, change: str = "", fails: float = 0.02
) -> Outcome:
    """Kill the program this often, and let it end its work. Messages come in all the time.

    `fails` is the share of requests at which the target fails.
    """
    chance = random.Random(18)
    taken: set[str] = set()

    def answer(connection: socket.socket, request: Request) -> None:
        time.sleep(chance.random() * 0.02)  # the target works
        if chance.random() < fails:
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        taken.add(request.id)
        connection.sendall(OK)

    target.answer = answer
    stored: set[str] = set()
    program = hook.command("-c", PROGRAM.format(change=change))
    pipe = subprocess.PIPE
    with subprocess.Popen(
        program, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(kills):
            stored |= {hook.store() for _ in range(3)}
            # What it remembers of its tries would make it wait, and a kill would meet nothing.
            (hook.kept / "state.json").unlink(missing_ok=True)
            seen = len(target.requests)
            print(file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            wait_until(lambda seen=seen: len(target.requests) > seen, "a request")  # type: ignore[misc]
            time.sleep(chance.random() * 0.06)  # a random moment
            os.kill(child, signal.SIGKILL)
            assert process.stdout.readline() == "ended\n"
        process.stdin.close()
    target.answer = lambda connection, request: (taken.add(request.id), connection.sendall(OK))[0]
    (hook.kept / "state.json").unlink(missing_ok=True)
    with hook.running():
        wait_until(lambda: not hook.names(), "an empty queue")
    ids = target.ids
    repeated = sum(ids.values()) - len(ids)
    return Outcome(kills, len(stored), len(stored - taken), len(ids.keys() - stored), repeated)


@pytest.fixture
def hook(tmp_path: Path, target: Target) -> Hook:
    """The raw form needs no second process, so the program starts sooner."""
    return Hook(tmp_path, url=target.url(), allow_private=True, form="raw")


def test_100_kills_lose_no_message_and_change_no_id(hook: Hook, target: Target) -> None:
    outcome = killed_at_random(hook, target, KILLS)
    print(outcome)
    assert outcome.lost == 0
    assert outcome.unknown == 0
    assert outcome.repeated > 0, "a kill meets messages under way, or it proves nothing"


def test_a_program_that_unlinks_before_it_posts_is_caught(hook: Hook, target: Target) -> None:
    outcome = killed_at_random(hook, target, 10, UNLINKS_FIRST, fails=0.5)
    assert outcome.lost > 0
