"""The messages that a hook has not delivered: those in `.hooks/*/pending`, and those it gave up (`dead`).

A hook's queue holds a hard link to the file of a message. Clients rename the file and make hard links of
their own, so a message is known by its device and inode.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from receiver import hook_queue

# `pending` comes twice, because a message may move either way while we read.
_PARTS = ("pending", "dead", "pending")
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Inode = tuple[int, int]
"""Device and inode (st_dev and st_ino of stat(2))."""


def inodes(mail: Path) -> frozenset[Inode]:
    """The inodes of all undelivered messages. Raises OSError if that cannot be told."""
    found: set[Inode] = set()
    with _folder(str(mail / hook_queue.FOLDER)) as hooks:
        for hook in _names(hooks) if hooks is not None else ():
            for part in _PARTS:
                with _folder(f"{hook}/{part}", hooks) as queue:
                    found |= _in_queue(queue) if queue is not None else set()
    return frozenset(found)


def _names(folder: int) -> list[str]:
    return os.listdir(folder)


def _in_queue(queue: int) -> set[Inode]:
    found = set()
    for name in _names(queue):
        with contextlib.suppress(FileNotFoundError):  # It was delivered meanwhile.
            state = os.stat(name, dir_fd=queue, follow_symlinks=False)
            if stat.S_ISREG(state.st_mode):
                found.add((state.st_dev, state.st_ino))
    return found


@contextlib.contextmanager
def _folder(path: str, parent: int | None = None) -> Iterator[int | None]:
    """The folder, open, or None if there is none."""
    try:
        fd = os.open(path, _FLAGS, dir_fd=parent)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)
