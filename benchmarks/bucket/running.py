"""The parts of a path as processes: a store, the service, the receiver, and the senders."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mail import client
from benchmarks.mail.errors import Broken
from benchmarks.mail.receivers import LIMITS
from tests.bucket.seaweed import KEY, SECRET, Engine
from tests.bucket.service import Service
from tests.ports import free_port
from tests.receiver.server import Server, start_server
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
OCTETS = 10_240  # of a message


@dataclass(frozen=True, slots=True)
class Way:
    """A receiver, and the service behind it; None if mail stays on the disk."""

    server: Server
    service: Service | None


@contextlib.contextmanager
def way(folder: Path, url: str | None) -> Iterator[Way]:
    """Run a receiver whose mail goes to the bucket at the URL; without one, to the disk."""
    folder.mkdir(parents=True)
    service = Service(folder / "service", [url], KEY, SECRET) if url else None
    if service:
        service.start()
    table = f'[store]\npromise = "bucket"\nsocket = "{service.socket}"\n' if service else ""
    server = start_server(folder, limits=LIMITS, hooks=table)
    try:
        yield Way(server, service)
    finally:
        server.stop()
        if service:
            service.end()


def mail_rate(of: Way, senders: int, messages: int, octets: int = OCTETS) -> float:
    """Messages per second that the receiver answers 250. Raises Broken if it refuses one."""
    command = client.command(of.server.port, sessions=senders, messages=messages, octets=octets, kept=True)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Broken(
            f"the senders say {done.stderr.strip()[-300:] or done.returncode}: {of.server.log[-800:]}"
        )
    return messages / (time.perf_counter() - began)


def put_rate(url: str, senders: int, objects: int, octets: int = OCTETS) -> float:
    """PUTs per second of the store, without a receiver. Raises Broken."""
    numbers = map(str, (senders, objects, octets + 400))  # our trace is about that
    command = [sys.executable, "-m", "benchmarks.bucket.engine", url, KEY, SECRET, *numbers]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Broken(f"PUTs fail with {done.returncode}: {done.stderr.strip()[-300:]}")
    return objects / float(done.stdout)


def count(engine: Engine, service: Service) -> int:
    """The objects in the bucket of a service."""
    with service.client(60) as bucket:
        return sum(1 for _ in bucket.list(""))


@contextlib.contextmanager
def far_store(delay: float) -> Iterator[tuple[str, str]]:
    """Run the store of `slow`. Yields the URL of a bucket, and the URL that counts its objects."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bucket.slow", str(port), str(delay)], cwd=ROOT
    )
    counting = f"http://127.0.0.1:{port}/"
    try:
        wait_until(lambda: _answers(counting), "the far store answers")
        yield f"{counting}mail", counting
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(url, timeout=5).close()
        return True
    return False


def number_at(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return int(answer.read())
