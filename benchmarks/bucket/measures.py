"""The measurements. Each has a limit to keep, and runs what it compares in turn, in the same round."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bucket.running import OCTETS, Way, count, far_store, mail_rate, number_at, put_rate, way
from benchmarks.mail import client
from benchmarks.mail.errors import Broken
from benchmarks.mail.load import cpu_seconds, peak_memory, proportional_memory
from tests.bucket.seaweed import Engine, seaweed
from tests.receiver.wire import Client

SENDERS = (1, 20, 200)
SHARE = 0.8  # of the store's own rate, and of what the delay allows
DELAY = 0.3  # seconds a PUT
LARGE, LARGE_OCTETS = 30, 25_000_000
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages per second through the whole path, and PUTs per second without it, by round."""

    senders: int
    path: list[float]
    store: list[float]
    cpu: list[tuple[float, float]]  # seconds a message: of the receiver, of the service

    def __str__(self) -> str:
        ratios = [mine / own for mine, own in zip(self.path, self.store, strict=True)]
        ratio = statistics.median(ratios)
        return (
            f"{self.senders:3} senders: {statistics.median(self.path):5.0f} messages/s,"
            f" the store alone {statistics.median(self.store):5.0f} PUTs/s:"
            f" {ratio:.2f} of it ({min(ratios):.2f} to {max(ratios):.2f}), {verdict(ratio >= SHARE)} {SHARE};"
            f" CPU a message: receiver {self._cpu(0):.2f} ms, service {self._cpu(1):.2f} ms"
        )

    def _cpu(self, of: int) -> float:
        return statistics.median(each[of] for each in self.cpu) * 1e3


def verdict(good: bool) -> str:
    return "at least" if good else "NOT"


def rates(folder: Path, rounds: int, messages: dict[int, int], progress: Progress) -> list[Rates]:
    """The path and the store alone, in turn. Every message must be in the bucket. Raises Broken."""
    with seaweed() as engine, way(folder / "rates", engine.make_bucket("path")) as path:
        alone, sent = engine.make_bucket("alone"), 0
        found = []
        for senders in SENDERS:
            number = messages[senders]
            of = Rates(senders, [], [], [])
            for at in range(rounds + 1):  # the first one is a warm-up
                progress(f"{senders} senders, round {at} of {rounds}")
                for part in ("path", "store") if at % 2 else ("store", "path"):
                    before = _cpu(path)
                    if part == "store":
                        of.store.append(put_rate(alone, senders, number))
                    else:
                        of.path.append(mail_rate(path, senders, number))
                        receiver, service = (b - a for a, b in zip(before, _cpu(path), strict=True))
                        of.cpu.append((receiver / number, service / number))
                        sent += number
            for each in (of.path, of.store, of.cpu):
                del each[0]
            found.append(of)
        _check(engine, path, sent)
        return found


def _check(engine: Engine, path: Way, sent: int) -> None:
    assert path.service
    there = count(engine, path.service)
    if there != sent:
        raise Broken(f"{there} objects of {sent} messages")


def _cpu(path: Way) -> tuple[float, float]:
    assert path.service and path.service.process
    return cpu_seconds(path.server.process.pid), cpu_seconds(path.service.process.pid)


def far(folder: Path, messages: int, senders: int = 200) -> str:
    """A store that answers each PUT after DELAY: as many messages as its delay allows."""
    most = senders / DELAY
    with far_store(DELAY) as (url, counting), way(folder / "far", url) as path:
        mail_rate(path, senders, senders)  # a warm-up: the connections to the store
        rate = mail_rate(path, senders, messages)
        own = put_rate(url, senders, messages)
        there = number_at(counting)
    if there != senders + 2 * messages:
        raise Broken(f"{there} objects of {senders + 2 * messages} messages and PUTs")
    return (
        f"{DELAY * 1000:.0f} ms a PUT, {senders} senders: {rate:.0f} messages/s of the {most:.0f} that this"
        f" allows: {rate / most:.2f}, {verdict(rate >= SHARE * most)} {SHARE}; PUTs alone {own:.0f}/s"
    )


def beside(folder: Path, messages: int, progress: Progress) -> list[str]:
    """NOOP, and the memory of the receiver, under 20 senders: with the bucket's promise and on the disk."""
    lines = []
    with seaweed() as engine:
        for name, url in (("on the disk", None), ("in the bucket", engine.url)):
            progress(f"NOOP and memory, {name}")
            with way(folder / f"noop {name}", url) as path:
                mail_rate(path, 20, 200)
                before = cpu_seconds(path.server.process.pid)
                took, memory = _noop(path, messages)
                cpu = (cpu_seconds(path.server.process.pid) - before) / messages
            p99 = statistics.quantiles(took, n=100)[98]
            lines.append(
                f"20 senders, mail {name}: NOOP {statistics.median(took) * 1e3:.1f} ms,"
                f" p99 {p99 * 1e3:.1f} ms; memory of the receiver {memory / 1e6:.0f} MB,"
                f" its CPU {cpu * 1e3:.2f} ms a message"
            )
    return lines


def _noop(path: Way, messages: int) -> tuple[list[float], int]:
    took: list[float] = []
    with Client(path.server.port) as asking:
        asking.expect(220)
        asking.ask("HELO client.test", 250)
        command = client.command(path.server.port, sessions=20, messages=messages, octets=OCTETS, kept=True)
        senders = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while senders.poll() is None:
            began = time.perf_counter()
            asking.ask("NOOP", 250)
            took.append(time.perf_counter() - began)
            time.sleep(0.002)
    if senders.returncode:
        raise Broken(f"the senders end with {senders.returncode}")
    return took, proportional_memory(path.server.process.pid)


def large(folder: Path) -> str:
    """LARGE messages of 25 MB at once, each sent until it is taken: the peaks of memory."""
    with seaweed() as engine, way(folder / "large", engine.url) as path:
        assert path.service and path.service.process
        pids = path.server.process.pid, path.service.process.pid
        before = [peak_memory(pid, reset=True) for pid in pids]
        replies: list[str] = []
        threads = [threading.Thread(target=_send_large, args=(path, replies)) for _ in range(LARGE)]
        began = time.monotonic()
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        seconds = time.monotonic() - began
        after = [peak_memory(pid) for pid in pids]
        _check(engine, path, LARGE)
    receiver, service = (
        f"{most / 1e6:.0f} MB, before {least / 1e6:.0f}" for most, least in zip(after, before, strict=True)
    )
    again = sum(not each.startswith("250") for each in replies)
    return (
        f"{LARGE} messages of {LARGE_OCTETS / 1e6:.0f} MB at once: all there after {seconds:.0f} s,"
        f" with {again} answers of 4xx; peak of the receiver {receiver}; of the service {service}"
    )


def _send_large(path: Way, replies: list[str]) -> None:
    line = b"0123456789" * 7 + b"\r\n"
    head = b"Message-ID: <%d@large.test>\r\n\r\n" % threading.get_ident()
    while True:
        with contextlib.suppress(OSError, EOFError), Client(path.server.port) as sending:
            sending.expect(220)
            sending.ask("EHLO client.test", 250)
            sending.begin()
            sending.send(head)
            for _ in range(LARGE_OCTETS // (1000 * len(line))):
                sending.send(line * 1000)
            sending.send(b".\r\n")
            replies.append(sending.reply())
            if replies[-1].startswith("250"):
                return
            time.sleep(1)
