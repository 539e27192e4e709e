"""Recovery of the links that hooks get: each message in the log gets those that are missing or not whole.

A link that a hook's process had removed before the crash comes back, so its target gets the message once more
with the same id. Nothing tells it from a link that a power cut has taken. No link is lost.

The hooks are those of today's configuration, also if it was another one when the message came.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from receiver.hook_queue import FILE_MODE
from receiver.storage.folders import Folders
from receiver.storage.log.present import Present
from receiver.storage.log.record import Copy, Record
from receiver.storage.log.segment import Segment


def recover_links(folders: Folders, segment: Segment, record: Record, copy: Copy, box: Present) -> int:
    """Make the links to one copy. Returns the number of links made. Raises OSError.

    `box` is the copy's mailbox. If a user has removed the copy's file, a link leads to a file of its own.
    """
    made = 0
    octets = copy.fields + record.content
    for link in folders.links(copy.mailbox, record.name):
        pending = Path(link).parent
        segment.note_device(pending.stat().st_dev, str(pending))
        if _is_whole(folders, link, octets):
            continue
        with contextlib.suppress(FileNotFoundError):
            folders.disk.unlink(link)
        if not any(_linked(folders, str(each), link, octets) for each in box.files(record.name, octets)):
            _make_own_file(folders, link, octets)
        made += 1
    return made


def _is_whole(folders: Folders, link: str, octets: bytes) -> bool:
    """Whether the link leads to these octets. If it does, everybody who may reach it can read it."""
    # The hook's user may put anything there, so nothing is followed, and nothing is waited for.
    try:
        fd = folders.disk.open(link, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return False
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return False
        if folders.disk.pread(fd, len(octets) + 1, 0) != octets:
            return False
        if stat.S_IMODE(os.fstat(fd).st_mode) != FILE_MODE:
            folders.disk.fchmod(fd, FILE_MODE)
        return True
    finally:
        folders.disk.close(fd)


def _linked(folders: Folders, file: str, link: str, octets: bytes) -> bool:
    """Link the file, and return whether that worked and the file was whole."""
    try:
        folders.disk.link(file, link)
    except OSError:  # It has gone, it has too many links, or it is on another file system.
        return False
    if _is_whole(folders, link, octets):
        return True
    folders.disk.unlink(link)
    return False


def _make_own_file(folders: Folders, link: str, octets: bytes) -> None:
    """Make a file for the link alone, beside pending/. Nobody sees it before it is complete."""
    path = Path(link)
    beside = str(path.parent.with_name(f".{path.name}"))
    with contextlib.suppress(FileNotFoundError):
        folders.disk.unlink(beside)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    fd = folders.disk.open(beside, flags, 0o600)
    try:
        folders.disk.fchmod(fd, FILE_MODE)
        folders.write(fd, octets)
    finally:
        folders.disk.close(fd)
    folders.disk.rename(beside, link)
