"""A neighbour: another program that writes 50 MB/s to the same file system, and never syncs.

`python -m benchmarks.mail.disks.neighbour FILE` writes until it is ended. It reuses a file of bounded size.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mail.errors import Broken

RATE = 50_000_000  # octets a second
_PIECE = 1_000_000
_MOST = 512 * _PIECE  # octets of the file
_BEHIND = 0.5  # seconds of delay by the disk that it makes up for, at most


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[list[float]]:
    """Let the neighbour write inside this context. After it, the list has its octets per second."""
    file, wrote = folder / "neighbour", list[float]()
    # The kernel ends it when we end, even if we are killed.
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        sys.executable,
        "-m",
        "benchmarks.mail.disks.neighbour",
        str(file),
    ]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as process:
        try:
            _wait_for(file, process)
            began, before = time.monotonic(), _written(process.pid)  # The time is around what is written.
            yield wrote
            wrote.append((_written(process.pid) - before) / (time.monotonic() - began))
        finally:
            process.kill()
            process.wait()
            file.unlink(missing_ok=True)


def _wait_for(file: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not (file.exists() and file.stat().st_size):
        if process.poll() is not None or time.monotonic() > until:
            raise Broken("the neighbour does not write")
        time.sleep(0.01)


def _written(pid: int) -> int:
    """The octets that the process has passed to write(2) (proc(5), wchar)."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["wchar"])


def _write(file: Path) -> None:
    piece, at, due = os.urandom(_PIECE), 0, time.monotonic()
    fd = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    while True:
        os.pwrite(fd, piece, at)
        at = (at + _PIECE) % _MOST
        due = max(due + _PIECE / RATE, time.monotonic() - _BEHIND)
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
