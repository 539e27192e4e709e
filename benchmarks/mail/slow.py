"""A slow disk: a library that makes every sync of a receiver take longer, and the proof that it does.

With MS milliseconds, fsync(2), fdatasync(2) and syncfs(2) take MS longer each, so those of several threads
overlap. A wait for a file's write-out, sync_file_range(2), ends no sooner than MS after that was begun: by an
earlier call on that descriptor that did not wait, or else by the waiting call. So write-outs that were begun
together end together, as in a disk's queue, also if one thread waits for one after the other.
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
_WRAPPERS = {"unshare"}  # what starts a peer, outside of its root


def library(milliseconds: int, folder: Path) -> Path:
    """Compile it. Raises Broken."""
    if not shutil.which("cc"):
        raise Broken("--sync-delay needs a C compiler: apt-get install gcc libc6-dev, or dnf install gcc")
    made = folder / _LIBRARY
    command = ["cc", "-O2", "-fPIC", "-shared", "-nostdlib", f"-DDELAY_MS={milliseconds}", "-o", str(made)]
    done = subprocess.run([*command, str(_SOURCE)], capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"{_SOURCE.name} does not compile: {' '.join(done.stderr.split())[:300]}")
    return made


def check_loaded(receiver: Receiver) -> None:
    """Every process of the receiver has the library. Raises Broken."""
    for pid in tree(receiver.pid):
        with contextlib.suppress(OSError):  # it has ended
            program = Path(f"/proc/{pid}/comm").read_text().strip()
            maps = Path(f"/proc/{pid}/maps").read_text()
            if maps and program not in _WRAPPERS and _LIBRARY not in maps:
                raise Broken(f"{receiver.name}: {program} does not have the slowed syncs")


def check_slowed(receiver: Receiver, load: Load, result: Result, milliseconds: int) -> None:
    """No session had its 250s faster than one sync after the other. Raises Broken."""
    rate, most = result.accepted(load), load.sessions * 1000 / milliseconds
    if rate > most:
        raise Broken(
            f"{receiver.name}, {load.title}: {rate:.0f} messages a second, where a sync before "
            f"every 250 allows {most:.0f} at most"
        )
