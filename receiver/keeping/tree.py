"""The folders of a mailbox that hold messages: new/ and cur/, and those of the folders that clients made.

Each folder is opened from the one above it, and no symbolic link below the mail folder is followed. So
nothing outside the mail folder is ever reached, whoever changes the tree meanwhile. tmp/ is never opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from receiver.mailbox import Mailbox
from receiver.maildir import DEEPEST, NO_SUBFOLDERS, PARTS

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# The beginning of a name as maildir(5) has it: the time, and a dot. offlineimap writes an underscore.
_NAME = re.compile(r"[0-9]+[._][^/\n]")


def folders(mail: Path, mailbox: Mailbox) -> Iterator[tuple[str, int]]:
    """The path below the mailbox's own folder, and an open descriptor, of each folder with messages.

    A descriptor is good until the next one is asked for. A mailbox without a folder has none. Raises OSError
    if a folder cannot be read, or if that of the domain or of the mailbox is a symbolic link.
    """
    with contextlib.ExitStack() as stack:
        try:
            # The configuration names the mail folder, so its own path may have links.
            fd = os.open(mail, _FLAGS & ~os.O_NOFOLLOW)
            stack.callback(os.close, fd)
            for name in (mailbox.domain, mailbox.name):
                fd = os.open(name, _FLAGS, dir_fd=fd)
                stack.callback(os.close, fd)
        except FileNotFoundError:
            return
        except OSError as error:
            is_other = error.errno in (errno.ENOTDIR, errno.ELOOP)
            what = "is no folder of its own" if is_other else error.strerror
            path = mail / mailbox.domain / mailbox.name
            raise OSError(error.errno, what, str(path)) from None
        yield from _below(fd, "", 0)


def _below(fd: int, path: str, depth: int) -> Iterator[tuple[str, int]]:
    yield from _parts(fd, path)
    names = os.listdir(fd) if depth < DEEPEST else []
    for name in sorted(names):
        if name not in NO_SUBFOLDERS:
            with _opened(name, fd) as folder:
                if folder is not None:
                    yield from _below(folder, f"{path}{name}/", depth + 1)


def _parts(fd: int, path: str) -> Iterator[tuple[str, int]]:
    for part in PARTS:
        with _opened(part, fd) as folder:
            if folder is not None:
                yield path + part, folder


@contextlib.contextmanager
def _opened(name: str, parent: int) -> Iterator[int | None]:
    """The folder, open, or None if it is gone or is something else, such as a symbolic link."""
    try:
        fd = os.open(name, _FLAGS, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise OSError(error.errno, error.strerror, name) from None
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def is_message_name(name: str) -> bool:
    """Whether a file of this name in new/ or cur/ is a message, as maildir(5) names them."""
    return _NAME.match(name) is not None
