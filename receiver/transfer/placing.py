"""Putting pulled messages into Maildirs. A file is whole in new/, or it is not there.

Each message is written to tmp/ under a name of ours. When some have come, they are synced, hooks get their
links, the files are renamed to new/, and the folders are synced. So no kill and no power cut leaves a part of
a message. What was not renamed is removed as a leftover (`storage.leftovers`), and is pulled again.

A hook that had its link before a kill is told a second time with the same id, as after any crash.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from receiver import maildir
from receiver.hook_queue import FILE_MODE
from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.group import FILE_SYNCS

T = TypeVar("T")

_FEW_FILES = 4  # Up to this many files are synced one by one, because syncfs waits for other programs, too.
_WRITABLE = 0o600  # as all files are that the receiver did not write (`reading.renamed`)
_BLOCK = 1_048_576  # octets


@dataclass(eq=False, slots=True)
class Staged:
    """A message that is in tmp/. `fd` is its open file, or -1. `path` is empty when it has left."""

    mailbox: Mailbox
    name: str  # that it gets
    size: int
    is_ours: bool  # whether a receiver wrote it
    fd: int = -1
    path: str = ""
    links: list[str] = field(default_factory=list)  # that hooks get
    error: OSError | None = None  # why it could not be placed


class Placing:
    """Places messages. `stage` may be called by any thread, and `place` by one at a time."""

    def __init__(self, folders: Folders) -> None:
        self._folders, self._disk = folders, folders.disk
        self._number = itertools.count(1)
        self._syncs = ThreadPoolExecutor(FILE_SYNCS, "sync")

    def close(self) -> None:
        self._syncs.shutdown()
        self._folders.release_token()

    def stage(
        self, mailbox: Mailbox, name: str, octets: memoryview, arrived: float, *, is_ours: bool
    ) -> Staged:
        """Write a message to tmp/. `arrived` becomes the time of its file. Raises OSError.

        What an import or a mail client brought can be written to, so that nobody believes the fields in it.
        """
        staged = Staged(mailbox, name, len(octets), is_ours)
        folder = self._folders.folder(mailbox)
        self._folders.prepare(mailbox)
        self._folders.claim_token()
        staged.path = f"{folder}/tmp/0.PQ{next(self._number)}R{self._folders.token}.pull"  # noqa: S108
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        mode = maildir.FILE_MODE if is_ours else _WRITABLE
        try:
            staged.fd = self._in_folders(mailbox, partial(self._disk.open, staged.path, flags, mode))
            if is_ours and self._folders.queues(mailbox):
                self._disk.fchmod(staged.fd, FILE_MODE)
            for at in range(0, len(octets), _BLOCK):
                self._folders.write(staged.fd, octets[at : at + _BLOCK])  # type: ignore[arg-type]
            os.utime(staged.fd, (arrived, arrived))
        except BaseException:
            self.drop(staged)
            raise
        return staged

    def place(self, batch: Sequence[Staged]) -> list[Staged]:
        """Place messages durably. Returns those that are; the others have an `error`, and nothing is left."""
        try:
            self._sync_files(batch)
            for each in batch:
                _note(each, self._link)
            # After a power cut, no message may be in new/ whose hook is never told.
            self._sync_folders(batch, self._queues)
            for each in batch:
                _note(each, self._rename)
            self._sync_folders(batch, lambda each: [f"{self._folders.folder(each.mailbox)}/new"])
        finally:
            for each in batch:
                self.drop(each)
        return [each for each in batch if not each.error]

    def drop(self, staged: Staged) -> None:
        """Close the file, and remove it if it is in tmp/ still."""
        if staged.fd >= 0:
            os.close(staged.fd)
            staged.fd = -1
        if staged.path:
            for path in (staged.path, *staged.links):
                with contextlib.suppress(OSError):
                    self._disk.unlink(path)
            staged.path = ""

    def _queues(self, staged: Staged) -> Sequence[str]:
        """The queues that get a link. A hook is not told of what was imported, on this host or another."""
        return self._folders.queues(staged.mailbox) if staged.is_ours else ()

    def _sync_files(self, batch: Sequence[Staged]) -> None:
        devices = {os.fstat(each.fd).st_dev: each.fd for each in batch}
        if len(batch) > _FEW_FILES:
            try:
                for fd in devices.values():
                    self._disk.syncfs(fd)
            except OSError:  # Each file is synced, to find the one that fails.
                pass
            else:
                return
        list(self._syncs.map(lambda each: _note(each, lambda it: self._disk.fsync(it.fd)), batch))

    def _link(self, staged: Staged) -> None:
        for link in self._folders.links(staged.mailbox, staged.name) if staged.is_ours else ():
            staged.links.append(link)
            self._in_folders(staged.mailbox, partial(self._link_to, staged.path, link))

    def _link_to(self, path: str, link: str) -> None:
        try:
            self._disk.link(path, link)
        except (
            FileExistsError
        ):  # A run that was killed made it. Its file is not the one that will be in new/.
            if not stat.S_ISREG(os.lstat(link).st_mode):
                raise
            self._disk.unlink(link)
            self._disk.link(path, link)

    def _rename(self, staged: Staged) -> None:
        target = f"{self._folders.folder(staged.mailbox)}/new/{staged.name}"
        self._in_folders(staged.mailbox, partial(self._disk.rename, staged.path, target))
        staged.path = ""

    def _sync_folders(self, batch: Sequence[Staged], folders: Callable[[Staged], Sequence[str]]) -> None:
        concerned: dict[str, list[Staged]] = {}
        for each in batch:
            for folder in folders(each) if not each.error else ():
                concerned.setdefault(folder, []).append(each)
        for folder, those in concerned.items():
            try:
                self._folders.sync_folder(folder)
            except OSError as error:
                for each in those:
                    each.error = error

    def _in_folders(self, mailbox: Mailbox, call: Callable[[], T]) -> T:
        """Call something that needs the folders. If one was removed, make it and call once more."""
        try:
            return call()
        except FileNotFoundError:
            self._folders.forget()
            self._folders.prepare(mailbox)
            return call()


def _note(staged: Staged, work: Callable[[Staged], None]) -> None:
    """Do work for a message unless it has failed, and note an error."""
    if staged.error is None:
        try:
            work(staged)
        except OSError as error:
            staged.error = error


def has_room(folder: Path, octets: int) -> bool:
    """Whether so many octets fit on the disk of a folder. If that cannot be told, the fault shows later."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return True
    return octets <= disk.f_bavail * disk.f_frsize
