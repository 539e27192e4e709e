"""The Maildir of the test messages: finding one as a file by its content, and leaving none behind."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from receiver.heartbeat.finding import Finding

NAME = "test message"
_LARGEST = 16_384  # octets of a test message with its trace fields


def take(box: Path, content: bytes) -> Finding:
    """Find the message that ends with this content in `new`, and remove it. Raises OSError."""
    for path, octets in _messages(box / "new"):
        if octets.endswith(content):
            path.unlink()
            return Finding(NAME, True, f"was a file of {len(octets)} octets, and was removed")
    return Finding(NAME, False, f"was answered 250, and is no file in {box}/new")


def sweep(box: Path) -> int:
    """Remove what earlier runs have left. Returns the number of messages. Raises OSError."""
    count = 0
    for folder in ("new", "cur"):
        with contextlib.suppress(FileNotFoundError):
            for path in (box / folder).iterdir():
                if not path.is_dir() or path.is_symlink():
                    path.unlink(missing_ok=True)
                    count += 1
    return count


def _messages(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """The regular files of a folder that may be test messages, with their content."""
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as file:
                state = os.fstat(fd)
                if stat.S_ISREG(state.st_mode) and state.st_size <= _LARGEST:
                    yield path, file.read(_LARGEST)
