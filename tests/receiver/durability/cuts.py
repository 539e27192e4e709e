"""Power cuts: a real receiver on a real file system, on a disk that loses what was not flushed.

The receiver runs under load while `volatile_disk` records each write and flush of the file system. A cut is
any moment of that record. The disk then has all that was written before the last flush. Of the later writes
it has none, all, the first ones, or any part, in whole sectors. That disk is mounted, which replays a
journal. Each message whose 250 was read before the cut must be whole in the mailbox of each recipient,
exactly once. No other file may be there unless it is whole, too. This needs root, loop devices and FUSE, and
a mount namespace of its own, which `python -m tests.receiver.durability` makes.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mail.disks.disk import make
from tests.receiver.durability import hooks
from tests.receiver.durability.hooks import HookVerdict, Post, Target, judge_hooks
from tests.receiver.durability.load import Ledger, Verdict, judge, recover, senders
from tests.receiver.durability.volatile_disk import RECORD
from tests.receiver.processes import DEADLINE, ROOT, wait_until
from tests.receiver.server import Server, start_server

SECTOR = 512
# Octets of the disk, and how it is mounted: no timer of the file system may save anything.
KINDS = {"ext4": (128 << 20, "commit=300"), "xfs": (320 << 20, ""), "btrfs": (256 << 20, "commit=300")}
SURVIVES = ("nothing", "a beginning", "any part", "torn", "everything")  # of what was not flushed


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a receiver under load: the disk before it, the record of the disk, the acknowledgements."""

    kind: str
    base: bytes
    record: Path
    ledger: Ledger
    posts: Sequence[Post]  # what the target of the hooks was told
    hooked: bool  # whether there were hooks


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut, and the result of the check after it."""

    moment: int  # octets of the record
    survives: str  # of SURVIVES
    acknowledged: int  # messages whose 250 had been read
    recovered: int  # files made from the log
    verdict: Verdict
    hooks: HookVerdict


def under_load(
    folder: Path,
    seconds: float,
    *,
    kind: str = "ext4",
    connections: int = 6,
    seed: int = 1,
    lie: str = "",
    checks: bool = False,
    hooked: bool = False,
) -> Run:
    """Run a receiver under load on a volatile disk, then end it. `lie` is one of those of `liars`.

    With `checks` the receiver checks senders, and has no resolver. With `hooked` it has hooks.
    """
    image, record = folder / "base.img", folder / "record"
    octets, options = KINDS[kind]
    with image.open("wb") as file:
        file.truncate(octets)
    make(kind, image)
    record.touch()
    ledger = Ledger(lambda: record.stat().st_size)
    with (
        Target(ledger.moment) as target,
        _volatile(image, record, folder) as device,
        _mounted(kind, device, folder / "mail", options),
    ):
        mail = folder / "mail" / "store"
        server = _receiver(folder, mail, lie, checks, hooks.TABLES if hooked else "")
        telling = hooks.start(mail, target) if hooked else None
        busy = senders(server.port, ledger, connections, seed)
        for sender in busy:
            sender.start()
        ledger.wait_for_one()
        if telling:
            wait_until(lambda: target.posts, "the target is told of a message")
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(sender.is_alive() for sender in busy):
            busy[0].join(0.05)
        server.kill()
        for sender in busy:
            sender.join(DEADLINE)
        if telling:
            hooks.end(telling)
        kept = record.read_bytes()
    record.write_bytes(kept)  # Unmounting writes, too, but after the power cut.
    return Run(kind, image.read_bytes(), record, ledger, target.posts, hooked)


def cuts(
    run: Run, number: int, folder: Path, *, seed: int = 1, recovers: Callable[[Path], int] = recover
) -> Iterator[Cut]:
    """Cut the power this number of times: half of the times just after a 250, half at any record.

    `recovers` recovers the mail folder, and returns the number of files made.
    """
    chance = random.Random(seed)
    record = run.record.read_bytes()
    ends = list(_ends(record))
    first = min(run.ledger.acknowledged.values(), default=0)
    later = [end for end in ends if end >= first]
    acknowledged = sorted(run.ledger.acknowledged.values())
    moments = [chance.choice(acknowledged if each % 2 else later) for each in range(number)]
    image = bytearray(run.base)
    at, flushed = 0, 0  # of the record: applied to the image, and the end of the last flush
    for each, moment in enumerate(sorted(moments)):
        flushed = max((end for end, kind in _flushes(record, at) if end <= moment and kind), default=flushed)
        _apply(image, record, at, flushed)
        at = max(at, flushed)
        survives = SURVIVES[each % len(SURVIVES)]
        left = bytearray(image)
        _apply_part(left, record, at, moment, survives, chance)
        yield _examined(run, left, moment, survives, folder, recovers)


def _examined(
    run: Run, left: bytes, moment: int, survives: str, folder: Path, recovers: Callable[[Path], int]
) -> Cut:
    image = folder / "after.img"
    image.write_bytes(left)
    due = {digest for digest, when in run.ledger.acknowledged.items() if when <= moment}
    with _mounted(run.kind, str(image), folder / "after", "loop"):
        mail = folder / "after" / "store"
        recovered = recovers(mail)
        verdict = judge(mail, due, run.ledger.offered)
        posts = [each for each in run.posts if each.moment <= moment]
        told = judge_hooks(mail, posts, due if run.hooked else set(), run.ledger.offered)
    image.unlink()
    return Cut(moment, survives, len(due), recovered, verdict, told)


def _ends(record: bytes) -> Iterator[int]:
    at = 0
    while at < len(record):
        at += RECORD.size + RECORD.unpack_from(record, at)[2]
        yield at


def _flushes(record: bytes, at: int) -> Iterator[tuple[int, bool]]:
    """The end of each record from `at` on, and whether it is a flush."""
    while at < len(record):
        kind, _, size = RECORD.unpack_from(record, at)
        at += RECORD.size + size
        yield at, kind == b"F"


def _apply(image: bytearray, record: bytes, start: int, end: int) -> None:
    while start < end:
        kind, offset, size = RECORD.unpack_from(record, start)
        start += RECORD.size
        if kind == b"W":
            image[offset : offset + size] = record[start : start + size]
        start += size


def _apply_part(
    image: bytearray, record: bytes, start: int, end: int, survives: str, chance: random.Random
) -> None:
    """Choose which unflushed writes reach the disk anyway."""
    bounds = [start, *(each for each in _ends_from(record, start) if each <= end)]
    if survives == "everything":
        _apply(image, record, start, bounds[-1])
    elif survives == "a beginning":
        _apply(image, record, start, chance.choice(bounds))
    elif survives == "any part":
        for one, next_ in itertools.pairwise(bounds):
            if chance.random() < 0.5:
                _apply(image, record, one, next_)
    elif survives == "torn":
        for one in bounds[:-1]:
            _, offset, size = RECORD.unpack_from(record, one)
            for sector in range(0, size, SECTOR):
                if chance.random() < 0.5:
                    start, length = one + RECORD.size + sector, min(SECTOR, size - sector)
                    image[offset + sector : offset + sector + length] = record[start : start + length]


def _ends_from(record: bytes, at: int) -> Iterator[int]:
    return (end for end, _ in _flushes(record, at))


def _receiver(folder: Path, mail: Path, lie: str, checks: bool, tables: str) -> Server:
    resolver = folder / "no resolver" if checks else None
    program = ["-c", f"import os, sys; {lie}; {_MAIN}"] if lie else ["-m", "receiver"]
    return start_server(folder, mail=mail, resolver=resolver, hooks=tables, program=program)


_MAIN = "from receiver.__main__ import main; sys.exit(main())"


@contextlib.contextmanager
def _volatile(image: Path, record: Path, folder: Path) -> Iterator[str]:
    """Yield a loop device on a volatile disk with the content of the image."""
    mount = folder / "fuse"
    mount.mkdir()
    command = [sys.executable, "-m", "tests.receiver.durability.volatile_disk"]
    process = subprocess.Popen([*command, str(image), str(record), str(mount)], cwd=ROOT)
    try:
        until = time.monotonic() + DEADLINE
        while not (mount / "disk").exists():
            assert process.poll() is None and time.monotonic() < until, "the volatile disk did not start"
            time.sleep(0.01)
        losetup = ["losetup", "--find", "--show", str(mount / "disk")]
        device = subprocess.run(losetup, check=True, capture_output=True, text=True).stdout.strip()
        try:
            yield device
        finally:
            subprocess.run(["losetup", "--detach", device], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=False)
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _mounted(kind: str, device: str, folder: Path, options: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", kind, "-o", options or "defaults", device, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
