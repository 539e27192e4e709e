"""Files that a killed receiver left in tmp/: removed once their owner is certainly dead.

Each store holds a lock (flock(2)) on a file of its own, `<mail>/.owners/<token>`, as long as it lives; the
kernel lets go of it at any death. Names in tmp/ end in the owner's token. A file whose owner's lock can be
had is dead; where there is no lock to ask (another program's file, or one from before a power cut that
took the lock file with it), it is dead after 36 hours, as maildir(5) says.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

STALE = 36 * 3600  # seconds
_TOKEN = re.compile(r"R([0-9a-f]{8})\.")


class Claim:
    """The lock of one living store. Taken at the first message, as there may be no folder before."""

    def __init__(self, mail: Path, token: str) -> None:
        self._path = _owners(mail) / token
        self._fd = -1

    def hold(self) -> None:
        """Take the lock, unless it is held. Where that fails, our files are under the 36 hours' rule."""
        if self._fd >= 0:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(0o700, exist_ok=True)
            self._fd = _locked(self._path, os.O_CREAT)

    def release(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(self._fd)
            self._fd = -1


def sweep(mail: Path) -> int:
    """Remove from every tmp/ what no living delivery can own any more; the number removed."""
    removed = 0
    with contextlib.ExitStack() as stack:
        dead = set(stack.enter_context(_dead(mail)))
        for path in mail.glob("*/*/tmp/*"):
            token = _TOKEN.search(path.name)
            with contextlib.suppress(OSError):
                if (token and token[1] in dead) or path.stat().st_mtime < time.time() - STALE:
                    path.unlink()
                    removed += 1
        for name in dead:
            with contextlib.suppress(OSError):
                (_owners(mail) / name).unlink()
    return removed


@contextlib.contextmanager
def _dead(mail: Path) -> Iterator[list[str]]:
    """The tokens whose lock could be had; it is held until the context ends."""
    held: dict[str, int] = {}
    try:
        for path in _owners(mail).glob("*"):
            with contextlib.suppress(OSError):
                held[path.name] = _locked(path)
        yield list(held)
    finally:
        for fd in held.values():
            os.close(fd)


def _locked(path: Path, flags: int = 0) -> int:
    """Open for reading only, which is all that a lock needs. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _owners(mail: Path) -> Path:
    return mail / ".owners"
