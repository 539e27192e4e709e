"""Recovery of the links in queues: each message in the log gets those that are missing or not whole.

A link that a hook's process had removed before the crash comes back, so its target gets the message once more
with the same id. Nothing tells it from a link that a power cut has taken. No link is lost. So it is with the
links of the bucket, which then gets a message again that it has, and keeps it once.

A hook's user may write in its queue, so anything may be in a link's place, and may change meanwhile. It never
keeps the other hooks from their links, or the log from being emptied.

The queues are those of today's configuration, also if it was another one when the message came.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from receiver import maildir
from receiver.hook_queue import FILE_MODE
from receiver.storage.folders import Folders
from receiver.storage.log.present import Present
from receiver.storage.log.record import Copy, Record
from receiver.storage.log.segment import Segment
from receiver.system.journal import log

_TRIES = 3  # if a hook's process puts something in the way again meanwhile


class Links:
    """Makes the links to the messages of a segment.

    `made` is how many. `error` is the last one that may be over at the next start. Till then the log stays.
    """

    def __init__(self, folders: Folders, segment: Segment) -> None:
        self._folders, self._segment = folders, segment
        self.made = 0
        self.error: OSError | None = None

    def recover(self, record: Record, copy: Copy, box: Present) -> None:
        """Make the links to one copy. What fails is logged, and fails for its hook alone.

        `box` is the copy's mailbox. If a user has removed the copy's file, a link leads to a file of its own.
        """
        octets = copy.fields + record.content
        for link in self._folders.links(copy.mailbox, record.name):
            pending = Path(link).parent
            # The mode that the file must have; None if the queue is the receiver's own, which reads any.
            mode = FILE_MODE if self._folders.is_of_hook(str(pending)) else None
            try:
                self._folders.prepare_queue(pending)
                self._segment.note_device(pending.stat().st_dev, str(pending))
                if not _is_whole(self._folders, link, octets, mode):
                    _make(self._folders, link, octets, mode, partial(box.files, record.name, octets))
                    self.made += 1
            except (IsADirectoryError, FileExistsError) as error:  # The hook's process does it.
                log("error", link=link, error=error, note="its hook is not told of this message")
            except OSError as error:
                log("error", link=link, error=error, note="it is not recovered yet")
                self.error = error


def _make(
    folders: Folders, link: str, octets: bytes, mode: int | None, files: Callable[[], Iterator[Path]]
) -> None:
    for left in reversed(range(_TRIES)):
        try:
            _make_way(folders, link)
            if not any(_linked(folders, str(each), link, octets, mode) for each in files()):
                _make_own_file(folders, link, octets, mode)
            return
        except (IsADirectoryError, FileExistsError):
            if not left:
                raise


def _make_way(folders: Folders, link: str) -> None:
    """Remove what a power cut has torn. What is of another user, or a folder, only gets another name."""
    with contextlib.suppress(FileNotFoundError):
        there = os.lstat(link)
        if stat.S_ISDIR(there.st_mode) or there.st_uid != os.geteuid():
            # Only within its folder may a folder of another user be renamed. No link has a name like that.
            folders.disk.rename(link, str(Path(link).with_name(f".in-the-way-{secrets.token_hex(8)}")))
        else:
            folders.disk.unlink(link)


def _is_whole(folders: Folders, link: str, octets: bytes, mode: int | None) -> bool:
    """Whether the link leads to these octets. If it does, everybody who may reach it can read it."""
    # The hook's user may put anything there, so nothing is followed, and nothing is waited for.
    try:
        fd = folders.disk.open(link, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EACCES):
            return False
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return False
        if folders.disk.pread(fd, len(octets) + 1, 0) != octets:
            return False
        if mode is not None and stat.S_IMODE(os.fstat(fd).st_mode) != mode:
            folders.disk.fchmod(fd, mode)
        return True
    except PermissionError:  # It is a file of the hook's user.
        return False
    finally:
        folders.disk.close(fd)


def _linked(folders: Folders, file: str, link: str, octets: bytes, mode: int | None) -> bool:
    """Link the file, and return whether that worked and the file was whole."""
    try:
        folders.disk.link(file, link)
    except OSError:  # It has gone, it has too many links, or it is on another file system.
        return False
    if _is_whole(folders, link, octets, mode):
        return True
    _make_way(folders, link)
    return False


def _make_own_file(folders: Folders, link: str, octets: bytes, mode: int | None) -> None:
    """Make a file for the link alone, beside pending/. Nobody sees it before it is complete."""
    path = Path(link)
    beside = str(path.parent.with_name(f".{path.name}"))
    with contextlib.suppress(FileNotFoundError):
        folders.disk.unlink(beside)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    fd = folders.disk.open(beside, flags, 0o600)
    try:
        folders.disk.fchmod(fd, maildir.FILE_MODE if mode is None else mode)
        folders.write(fd, octets)
    finally:
        folders.disk.close(fd)
    folders.disk.rename(beside, link)
