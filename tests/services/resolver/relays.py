"""The relay `letterbox-resolver` as a process of its own, in front of nameservers of a test."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from receiver.checks.dns_query import TXT, Answer
from receiver.checks.resolver import VarlinkResolver
from tests.house.rooms import ROOT


@contextmanager
def relay(folder: Path, *servers: str, configuration: Path | None = None) -> Iterator[Path]:
    """Run it, and give its socket. `servers` are each `ADDRESS#PORT`, or `configuration` names them."""
    path = folder / "io.systemd.Resolve"
    arguments = [f"--server={each}" for each in servers]
    if configuration:
        arguments += [f"--configuration={configuration}"]
    command = [sys.executable, "-m", "services.resolver", "--listen", str(path), *arguments]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            wait_for(path, process)
            yield path
        finally:
            process.terminate()
            assert process.wait(60) == 0


def wait_for(path: Path, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Wait until it takes connections."""
    late = time.monotonic() + seconds
    while True:
        with socket.socket(socket.AF_UNIX) as tried:
            try:
                tried.connect(str(path))
                return
            except OSError:
                assert process.poll() is None, "it has ended"
                assert time.monotonic() < late, "it takes no connection"
        time.sleep(0.02)


def ask(path: Path, name: str, kind: int = TXT, patience: float = 60.0) -> Answer:
    """Ask once, through a new client. Raises TemporaryFailure."""

    async def once() -> Answer:
        resolver = VarlinkResolver(path, patience)
        try:
            return await resolver.query(name, kind)
        finally:
            resolver.close()

    return asyncio.run(once())
