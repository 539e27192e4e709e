"""A slow disk: a library that makes each sync of a receiver take longer, and checks that it does.

With MS milliseconds, each fsync(2), fdatasync(2) and syncfs(2) takes MS longer, and those of several threads
overlap. sync_file_range(2) can start the write-out of a file, and can wait for it. A wait ends MS after the
start of the write-out, or later. The start is the last call on that descriptor that did not wait, or else the
waiting call itself. So write-outs that start together end together, as in the queue of a disk, even if one
thread waits for them in turn.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from benchmarks.mail.errors import Broken
from benchmarks.mail.load import Load, Result, tree
from benchmarks.mail.receivers import Receiver

_SOURCE = Path(__file__).with_name("slow_sync.c")
_LIBRARY = "slow_sync.so"
_WRAPPERS = {"unshare"}  # programs that start a peer and run outside of its root


def library(milliseconds: int, folder: Path) -> Path:
    """Compile the library, and return its path. Raises Broken."""
    if not shutil.which("cc"):
        raise Broken("--sync-delay needs a C compiler: apt-get install gcc libc6-dev, or dnf install gcc")
    made = folder / _LIBRARY
    command = ["cc", "-O2", "-fPIC", "-shared", "-nostdlib", f"-DDELAY_MS={milliseconds}", "-o", str(made)]
    done = subprocess.run([*command, str(_SOURCE)], capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"{_SOURCE.name} does not compile: {' '.join(done.stderr.split())[:300]}")
    return made


def check_loaded(receiver: Receiver) -> None:
    """Check that each process of the receiver has the library. Raises Broken."""
    for pid in tree(receiver.pid):
        with contextlib.suppress(OSError):  # The process has ended.
            program = Path(f"/proc/{pid}/comm").read_text().strip()
            maps = Path(f"/proc/{pid}/maps").read_text()
            if maps and program not in _WRAPPERS and _LIBRARY not in maps:
                raise Broken(f"{receiver.name}: {program} does not have the slowed syncs")


def check_slowed(receiver: Receiver, load: Load, result: Result, milliseconds: int) -> None:
    """Check that no session got its 250s faster than the slow syncs allow. Raises Broken."""
    rate, most = result.accepted(load), load.sessions * 1000 / milliseconds
    if rate > most:
        raise Broken(
            f"{receiver.name}, {load.title}: {rate:.0f} messages a second, where a sync before "
            f"every 250 allows {most:.0f} at most"
        )
