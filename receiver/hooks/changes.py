"""Trying again what a hook has not delivered, or forgetting it. The mail in the mailboxes stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from receiver.cli.command import Failure
from receiver.hook_queue import Queue


def retry(queue: Queue, ids: Sequence[str]) -> int:
    """Have messages tried at once, also those that were given up: all, or those of these ids.

    Returns how many there are. The hook's process also forgets that its target has stopped it. Raises
    Failure if it has no message of such an id, and OSError.
    """
    _check(queue, ids)
    dead = [name for name in queue.dead_names() if name in ids or not ids]
    for name in dead:
        with contextlib.suppress(FileNotFoundError):
            (queue.dead / name).rename(queue.pending / name)
    _sync(queue.pending, queue.dead)
    os.close(_opened(queue.retry))
    return len(ids) or len(queue.pending_names())


def drop(queue: Queue, ids: Sequence[str], *, is_configured: bool) -> int:
    """Forget messages, pending and given up: all, or those of these ids. Returns how many there were.

    If all are forgotten and no hook of the configuration has the queue, its folder goes, too. Raises as
    `retry` does.
    """
    _check(queue, ids)
    count = 0
    for folder, names in ((queue.pending, queue.pending_names()), (queue.dead, queue.dead_names())):
        for name in names:
            if name in ids or not ids:
                with contextlib.suppress(FileNotFoundError):
                    (folder / name).unlink()
                    count += 1
    _sync(queue.pending, queue.dead)
    if not ids and not is_configured:
        shutil.rmtree(queue.folder)
        _sync(queue.folder.parent)
    return count


def _check(queue: Queue, ids: Sequence[str]) -> None:
    known = {*queue.pending_names(), *queue.dead_names()}  # An error, if a link is in the place of a folder.
    for each in ids:
        if each not in known:
            raise Failure(f"{each}: hook {queue.hook} has no such message: {queue.folder} has its queue")


def _opened(path: Path) -> int:
    """The file, open for writing, and made if it is missing. Raises Failure if something else is there.

    The hook's user may put anything there. So nothing is followed, and nothing is waited for.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        raise Failure(f"{path.parent} is missing: deploy this host") from None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: remove it, and try again") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Failure(f"{path} is no regular file: remove it, and try again")
    return fd


def _sync(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
