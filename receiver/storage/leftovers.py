"""Removing the files that killed receivers left in tmp/, once their owner is certainly dead.

Each receiver holds a lock (flock(2)) on a file of its own, `<mail>/.owners/<token>`, for as long as it lives.
The kernel releases the lock when the process dies, in whatever way. The names of a receiver's files in tmp/
contain its token. If we can take the lock of a file's owner, the file is a leftover. If the owner has no lock
file, a file is a leftover after 36 hours, as maildir(5) says. Files of other programs have no lock file, and
after a power cut a lock file may be lost.
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
    """The lock of one receiver. It is taken at the first message, because before that no folder may exist."""

    def __init__(self, mail: Path, token: str) -> None:
        self._path = _owners(mail) / token
        self._fd = -1

    def take(self) -> None:
        """Take the lock, unless we hold it. If that fails, the rule of 36 hours protects our files."""
        if self._fd >= 0:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(0o700, exist_ok=True)
            self._fd = _lock(self._path, os.O_CREAT)

    def release(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(self._fd)
            self._fd = -1


def sweep(mail: Path) -> int:
    """Remove the leftovers from every tmp/. Returns the number of files removed."""
    removed = 0
    with contextlib.ExitStack() as stack:
        dead = set(stack.enter_context(_dead_tokens(mail)))
        for path in mail.glob("[!.]*/*/tmp/*"):
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
def _dead_tokens(mail: Path) -> Iterator[list[str]]:
    """The tokens of dead receivers. Their locks are held until the context ends."""
    held: dict[str, int] = {}
    try:
        for path in _owners(mail).glob("*"):
            with contextlib.suppress(OSError):
                held[path.name] = _lock(path)
        yield list(held)
    finally:
        for fd in held.values():
            os.close(fd)


def _lock(path: Path, flags: int = 0) -> int:
    """Open the file for reading, which is enough for a lock, and lock it. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _owners(mail: Path) -> Path:
    return mail / ".owners"
