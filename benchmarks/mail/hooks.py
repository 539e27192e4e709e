"""What a hook costs the 250: `python -m benchmarks.mail --hooks` (root).

Three receivers take the same load of 20 senders: one without hooks, one with a hook whose queue is empty when
the load begins, and one with a hook whose target is down, so that 10,000 messages wait. Nobody empties the
queues meanwhile. In each round all take turns, forwards and then backwards. A ratio is that of two runs of
the same round, so a change of the machine's speed affects both. Its interval is that of Student's t over the
rounds. After each run every message must be in the Maildir, and its link must be in the queue.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.mail.disks.disk import disk
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import run
from benchmarks.mail.loads import LOADS
from benchmarks.mail.receivers import Receiver, ours

MOST = 0.05  # a hook may make a message this much more expensive
PENDING = 10_000  # messages that wait for a target that is down
_HOOK = '[hooks.orders]\nmailboxes = ["alice@example.test"]\n'
WITHOUT, EMPTY, DOWN = "no hook", "a hook", f"a hook, {PENDING:,} waiting"
# The two-sided 95 % quantiles of Student's t by degrees of freedom. Beyond, those of more freedom are used.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_STUDENT += (2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


def measure(kind: str, folder: Path, rounds: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """Run the rounds on one kind of file system. Returns rate and CPU seconds a message of each run.

    Raises Broken if a message or a link is missing.
    """
    (load,) = (dataclasses.replace(each, messages=3000) for each in LOADS if each.title == "20 sessions")
    found: dict[str, Any] = {name: {"rates": [], "cpu": []} for name in (WITHOUT, EMPTY, DOWN)}
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        mount = stack.enter_context(disk(kind, place))
        receivers = {
            name: stack.enter_context(ours(mount / at, place / at, hooks=_HOOK if name != WITHOUT else ""))
            for at, name in (("without", WITHOUT), ("empty", EMPTY), ("down", DOWN))
        }
        for number in range(rounds):
            there = list(receivers.items())
            for name, receiver in there if number % 2 else reversed(there):
                progress(f"round {number + 1} of {rounds}: {name}")
                waiting = 0 if name == WITHOUT else fill(receiver, PENDING if name == DOWN else 0)
                result = run(receiver, load)
                links = _count(receiver) - waiting
                if links != (0 if name == WITHOUT else load.messages):
                    raise Broken(f"{name}: {links} links of {load.messages} messages")
                found[name]["rates"].append(result.rate(load))
                found[name]["cpu"].append(result.cpu / load.messages)
        progress("")
    return found


def _pending(receiver: Receiver) -> Path:
    return receiver.new.parents[2] / ".hooks" / "orders" / "pending"


def _count(receiver: Receiver) -> int:
    pending = _pending(receiver)
    return sum(1 for _ in pending.iterdir()) if pending.is_dir() else 0


def fill(receiver: Receiver, number: int) -> int:
    """Let this number of messages wait in the queue, and no others. Returns the number."""
    pending = _pending(receiver)
    pending.mkdir(parents=True, exist_ok=True)
    for path in pending.iterdir():
        path.unlink()
    for each in range(number):
        (pending / f"1795638601.M{each:06d}P1Q{each}R01234567.mx.example.test.89abcdef").write_bytes(
            b"x" * 1000
        )
    return number


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """The lower bound, the geometric mean and the upper bound of ratios (95 %). Needs two at least."""
    logs = [math.log(each) for each in ratios]
    middle = statistics.fmean(logs)
    t = _STUDENT[min(len(logs) - 1, len(_STUDENT)) - 1]
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(middle - half), math.exp(middle), math.exp(middle + half)


def table(kind: str, found: dict[str, Any]) -> str:
    """The numbers in words, and whether the cost is within MOST."""
    rounds = len(found[WITHOUT]["rates"])
    lines = [f"20 senders, messages of 10 KiB, {kind}, {rounds} rounds:"]
    for name, of in found.items():
        rate, cpu = statistics.median(of["rates"]), statistics.median(of["cpu"])
        lines.append(f"  {name:28} {rate:7.0f} messages/s, {cpu * 1e6:5.0f} µs CPU a message")
    if rounds < 2:
        return "\n".join(lines)
    for name, (what, title) in itertools.product((EMPTY, DOWN), (("rates", "time"), ("cpu", "CPU time"))):
        pairs = zip(found[name][what], found[WITHOUT][what], strict=True)
        ratios = [plain / hooked if what == "rates" else hooked / plain for hooked, plain in pairs]
        low, middle, high = (100 * (each - 1) for each in interval(ratios))
        verdict = "within" if high <= 100 * MOST else "not shown to be within"
        lines.append(
            f"  {name}: {middle:+.1f} % {title} a message (95 %: {low:+.1f} to {high:+.1f}),"
            f" {verdict} {100 * MOST:.0f} %"
        )
    return "\n".join(lines)
