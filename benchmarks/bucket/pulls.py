"""How `letterbox pull` grows: with the messages in the bucket, and with the hosts that pull at once.

The messages lie in 100 hours, in two mailboxes. They are put straight into the store, by the library and the
calls of `letterbox-bucket`. Then hosts without mail pull them, through the service, each into a folder of its
own. After each pull every message must be in its Maildir once, and a second pull must bring nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bucket.measures import Progress
from benchmarks.bucket.running import OCTETS, ROOT
from benchmarks.mail.errors import Broken
from receiver.bucket import keys
from receiver.bucket.keys import Below, Key
from services.bucket.configuration import REGION, parse_url
from services.bucket.credentials import KeyPair
from services.bucket.engine import Gateway, attributes
from tests.bucket.seaweed import KEY, SECRET, seaweed
from tests.bucket.service import service
from tests.receiver.transfer.fleet import ALICE, BOB, Host, message

HOSTS = 10
_HOURS = 100
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Pulled:
    """One run of `letterbox pull`."""

    seconds: float
    memory: int  # octets: the most that was resident
    pulled: int


def growth(folder: Path, messages: Sequence[int], progress: Progress) -> Iterator[str]:
    """Pull buckets of so many messages, the smallest first, and the smallest by HOSTS hosts at once.

    Yields a line for each. Raises Broken.
    """
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(seaweed())
        running = stack.enter_context(service(folder / "service", [engine.url], KEY, SECRET))
        there = 0
        for number in sorted(messages):
            progress(f"put {number - there} messages")
            asyncio.run(_put(engine.url, number - there))
            there = number
            progress(f"pull {number} messages")
            yield _alone(Host(folder / f"of {number}", running.socket), number)
            if number == min(messages):
                progress(f"pull {number} messages by {HOSTS} hosts")
                hosts = [
                    Host(folder / f"host {each}", running.socket, hostname=f"mx{each}.example.test")
                    for each in range(HOSTS)
                ]
                yield _together(hosts, number)


async def _put(url: str, number: int) -> None:
    gateway = Gateway(parse_url(url, allow_http=True), REGION, KeyPair(KEY, SECRET))
    left = iter(range(number))
    now = time.time()

    async def sender() -> None:
        for each in left:
            mailbox = (ALICE, BOB)[each % 2]
            text = f"Message-ID: <{each}@{time.monotonic_ns()}.test>\r\n\r\n".encode()
            text += (b"%076d\r\n" % each) * (OCTETS // 78)
            name, fields, octets, trace = message(text, mailbox)
            below = Below()
            below.add(octets[trace:])
            key = Key(keys.hour(now - 3600 * (each % _HOURS)), mailbox, below.tail(fields, name))
            await gateway.put_new(str(key), fields + octets, attributes(name, "unknown"))

    await asyncio.gather(*(sender() for _ in range(_AT_ONCE)))


def _alone(host: Host, number: int) -> str:
    first = _finish(_start(host), host)
    _check(host, number, first)
    again = _finish(_start(host, "--all"), host)
    recent = _finish(_start(host), host)
    if again.pulled or recent.pulled:
        raise Broken(f"{again.pulled} and {recent.pulled} messages of {number} came a second time")
    return (
        f"pull of {number:,} messages: {first.seconds:.1f} s, {number / first.seconds:.0f} messages/s,"
        f" {first.memory / 1e6:.0f} MB; again with --all {again.seconds:.1f} s, {again.memory / 1e6:.0f} MB;"
        f" the last day alone {recent.seconds:.1f} s"
    )


def _together(hosts: Sequence[Host], number: int) -> str:
    began = time.perf_counter()
    running = [(_start(each), each) for each in hosts]
    done = [_finish(process, host) for process, host in running]
    seconds = time.perf_counter() - began
    for host, each in zip(hosts, done, strict=True):
        _check(host, number, each)
    return (
        f"{len(hosts)} hosts that pull {number:,} messages each at once, all on this machine:"
        f" {seconds:.1f} s, {len(hosts) * number / seconds:.0f} messages/s in all"
    )


def _start(host: Host, *arguments: str) -> tuple[subprocess.Popen[bytes], float]:
    process = subprocess.Popen(
        host.command("pull", "--json", *arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return process, time.perf_counter()


def _finish(started: tuple[subprocess.Popen[bytes], float], host: Host) -> Pulled:
    process, began = started
    assert process.stdout and process.stderr
    said, errors = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise Broken(
            f"{host.hostname}: letterbox pull ends with {process.returncode}: {errors.decode()[-300:]}"
        )
    found = json.loads(said)
    return Pulled(seconds, used.ru_maxrss * 1024, found["pulled"])


def _check(host: Host, number: int, pulled: Pulled) -> None:
    sizes = [each.stat().st_size for box in (ALICE, BOB) for each in (host.box(box) / "new").iterdir()]
    if not len(sizes) == pulled.pulled == number or min(sizes) < OCTETS * 0.9:
        raise Broken(f"{host.hostname}: {pulled.pulled} messages pulled and {len(sizes)} there, of {number}")
