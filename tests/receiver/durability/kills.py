"""kill -9 at a random moment under load, again and again, on one mail folder.

In every third round all processes are killed at the same time. In every third round the writer is killed
first. If the receiver has several workers, one of them is killed first, and the supervisor a moment later.
With hooks their process is killed, too, in every other round before the receiver.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.receiver.durability import hooks
from tests.receiver.durability.hooks import HookVerdict, Target, judge_hooks
from tests.receiver.durability.load import Ledger, judge, recover, senders
from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.server import start_server

ONE, ALL, WRITER = range(3)  # who is killed first


@dataclass(frozen=True, slots=True)
class Kills:
    """The results so far: rounds, acknowledged messages (each to two mailboxes), and the faults found."""

    rounds: int
    acknowledged: int
    unacknowledged: int  # in the mailboxes whole, though the 250 was never read
    leftovers: int  # files in tmp/
    wrong: str
    hooks: HookVerdict | None = None


def kill_again_and_again(
    folder: Path,
    rounds: int,
    *,
    connections: int = 8,
    longest: float = 1.0,
    seed: int = 1,
    workers: int = 1,
    checks: bool = False,
    target: Target | None = None,
) -> Iterator[Kills]:
    """Yields after each round. The mailboxes are judged after each: all messages of all rounds.

    With `checks` the receiver checks senders, and has no resolver. With `target` it has hooks.
    """
    chance = random.Random(seed)
    mail = folder / "mail"
    acknowledged: set[str] = set()
    offered: set[str] = set()
    refusals: list[str] = []
    for number in range(rounds):
        ledger = Ledger(lambda: 0)
        place = folder / str(number)
        place.mkdir()
        # The hooks are there first, so that they see what the recovery does.
        telling = hooks.start(mail, target) if target else None
        resolver, tables = place / "no resolver" if checks else None, hooks.TABLES if target else ""
        server = start_server(place, mail=mail, workers=workers, resolver=resolver, hooks=tables)
        busy = senders(server.port, ledger, connections, seed * 1_000_000 + number)
        for sender in busy:
            sender.start()
        ledger.wait_for_one()
        time.sleep(chance.uniform(0, longest))  # the random moment
        if telling and number % 2:
            hooks.end(telling)
        if workers > 1:
            os.kill(chance.choice(server.workers()), signal.SIGKILL)
            time.sleep(chance.uniform(0, longest))
        mode = number % 3
        for each in server.children() if mode == ALL else [server.writer()] if mode == WRITER else []:
            with suppress(ProcessLookupError):  # The supervisor may have ended it when the one before ended.
                os.kill(each, signal.SIGKILL)
        if mode == WRITER:
            time.sleep(chance.uniform(0, 0.05))
        # With the supervisor, the kernel kills writer and workers in no order. A worker may then refuse.
        before_the_end = list(ledger.refusals)
        server.kill()
        for sender in busy:
            sender.join(DEADLINE)
        if telling and not number % 2:
            time.sleep(chance.uniform(0, longest))
            hooks.end(telling)
        acknowledged |= ledger.acknowledged.keys()
        offered |= ledger.offered
        if mode == ONE:
            refusals += before_the_end  # A receiver whose writer died may refuse, but never accept.
        # All mailboxes are read in every tenth round and in the last, because reading takes most of the time.
        if number % 10 == 9 or number == rounds - 1:
            recover(mail, hooks.HOOKS if target else ())
            verdict = judge(mail, acknowledged, offered)
            found = len(list((mail / "example.test" / "alice" / "new").iterdir()))
            wrong = "" if verdict and not refusals else f"{verdict} {refusals}"
            told = judge_hooks(mail, target.posts, acknowledged, offered) if target else None
            if told is not None and not told:
                wrong += f" {told}"
            leftovers = len(list(mail.glob("*/*/tmp/*")))
            yield Kills(number + 1, len(acknowledged), found - len(acknowledged), leftovers, wrong, told)


def kill_hooks(
    folder: Path, kills: int, *, delay: float = 0.002, longest: float = 0.2, seed: int = 1, options: str = ""
) -> HookVerdict:
    """Kill the process of the hooks alone, again and again under load. The receiver ends when it is told to.

    So its log is empty at the end, and no recovery brings a link back. `delay` is that of the target, in
    seconds. `options` are those of the process of the hooks.
    """
    chance, ledger, mail = random.Random(seed), Ledger(lambda: 0), folder / "mail"
    with Target(ledger.moment, delay) as target:
        server = start_server(folder, hooks=hooks.TABLES)
        busy = senders(server.port, ledger, 4, seed)
        for sender in busy:
            sender.start()
        for _ in range(kills):
            told, telling = len(target.posts), hooks.start(mail, target, *options.split())
            wait_until(lambda told=told: len(target.posts) > told, "the target is told of a message")
            time.sleep(chance.uniform(0, longest))
            hooks.end(telling)
        ledger.closed = True
        for sender in busy:
            sender.join(DEADLINE)
        assert server.stop() == 0
        assert recover(mail, hooks.HOOKS) == 0, "the log was emptied"
        return judge_hooks(mail, target.posts, ledger.acknowledged.keys(), ledger.offered)
