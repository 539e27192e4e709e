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

_MOST_ASKED = 67_108_864  # octets of `retry`, as its reader bounds them


def retry(queue: Queue, ids: Sequence[str]) -> int:
    """Have messages tried at once, also those that were given up: all, or those of these ids.

    Returns how many there are. If it is all, the hook's process also forgets that its target has stopped it.
    Raises Failure if it has no message of such an id, and OSError.
    """
    _check(queue, ids)
    dead = [name for name in queue.dead_names() if name in ids or not ids]
    for name in dead:
        with contextlib.suppress(FileNotFoundError):
            (queue.dead / name).rename(queue.pending / name)
    _sync(queue.pending, queue.dead)
    _ask(queue, ids)
    return len(ids) or len(queue.pending_names())


def _ask(queue: Queue, ids: Sequence[str]) -> None:
    """Write into `retry` what the hook's process should try: these ids, one a line, or nothing for all.

    What was asked before, and is not taken yet, stays. The process may take the file at any time, so it is
    always whole: another file is put in its place in one step.
    """
    before = _asked(queue.retry)
    asks_for_all = not ids or before == b""
    written = queue.retry.with_name(f"{queue.retry.name}.new")
    written.unlink(missing_ok=True)  # of a command that was killed
    try:
        fd = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        raise Failure(f"{written.parent} is missing: deploy this host") from None
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, 0o644)  # The hook's process is another user.
        if not asks_for_all:
            file.write((before or b"") + "".join(f"{each}\n" for each in ids).encode())
    written.replace(queue.retry)


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


def _asked(path: Path) -> bytes | None:
    """What was asked before. None if nothing was. Raises Failure if something else is in the file's place.

    The hook's user may put anything there. So nothing is followed, and nothing is waited for.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}: remove it, and try again") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Failure(f"{path} is no regular file: remove it, and try again")
    with os.fdopen(fd, "rb") as file:
        return file.read(_MOST_ASKED)


def _sync(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
