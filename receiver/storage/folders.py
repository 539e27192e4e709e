"""The folders under a mail folder, made durably if missing.

They are the Maildirs, `<mail>/<domain>/<mailbox>/{tmp,new,cur}`, and the queues of hooks (`hook_queue`) and
of the bucket (`bucket_queue`).

Every method blocks, and may raise OSError. Any thread may call them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from receiver import bucket_queue, hook_queue
from receiver.hook_queue import FILE_MODE, Hook
from receiver.mailbox import Mailbox
from receiver.storage import disk as disks
from receiver.storage.disk import SYSTEM, Disk
from receiver.storage.leftovers import Claim

_BLOCK = 1_048_576  # octets that are copied at once from one file to another


class Folders:
    """The folders of one mail folder, and the claim of a process to its files in tmp/.

    The names of our files in tmp/ contain `token`, which we claim before we make the first of them. The
    writer does not claim a token (`claims=False`), because the receivers name its files and have claimed
    theirs. `keeps_order` answers for a device (st_dev) as `disk.keeps_order` does. Every process that stores
    or recovers mail must be given the same `hooks` and `bucket`: whether there is a bucket, and so its queue.
    """

    def __init__(
        self,
        mail: Path,
        disk: Disk = SYSTEM,
        *,
        claims: bool = True,
        hooks: Sequence[Hook] = (),
        bucket: bool = False,
        keeps_order: Callable[[int], bool] = disks.keeps_order,
    ) -> None:
        self.mail = mail
        self.disk = disk
        self.token = secrets.token_hex(4)
        self.keeps_order = keeps_order
        self._claim = Claim(mail, self.token) if claims else None
        self._root = str(mail)
        self._hooks = hooks
        self._to_bucket = str(bucket_queue.queue(mail).pending) if bucket else None
        self._queues: dict[Mailbox, tuple[str, ...]] = {}  # what `queues` has found
        self._ready: set[Mailbox] = set()
        self._durable = {nearest_folder(mail)}  # folders that are known to survive a crash

    def folder(self, mailbox: Mailbox) -> str:
        """The path of the mailbox's Maildir."""
        return f"{self._root}/{mailbox.domain}/{mailbox.name}"

    def queues(self, mailbox: Mailbox) -> tuple[str, ...]:
        """The paths of the folders pending/ of the queues that get the mailbox's mail, the bucket's last."""
        if not self._hooks and self._to_bucket is None:
            return ()
        if mailbox not in self._queues:
            found = [
                str(hook_queue.queue(self.mail, hook.name).pending)
                for hook in hook_queue.wanting(self._hooks, mailbox)
            ]
            if self._to_bucket is not None and bucket_queue.wants(mailbox):
                found.append(self._to_bucket)
            self._queues[mailbox] = tuple(found)
        return self._queues[mailbox]

    def is_of_hook(self, queue: str) -> bool:
        """Whether a path that `queues` gave is of a hook's queue, and not of the bucket's."""
        return queue != self._to_bucket

    def set_mode(self, fd: int, mailbox: Mailbox) -> None:
        """Let hooks read a new file of the mailbox, if one gets it. Their processes are other users."""
        if any(map(self.is_of_hook, self.queues(mailbox))):
            self.disk.fchmod(fd, FILE_MODE)

    def links(self, mailbox: Mailbox, name: str) -> tuple[str, ...]:
        """The paths of the links that the queues get to the mailbox's file of that name in new/."""
        queues = self.queues(mailbox)
        if not queues:
            return ()
        link = hook_queue.link_name(name, mailbox)
        return tuple(f"{pending}/{link}" for pending in queues)

    def prepare(self, mailbox: Mailbox) -> None:
        """Make the missing folders that the mailbox's mail goes into, and those above them, durably."""
        if mailbox in self._ready:
            return
        self.prepare_maildir(mailbox)
        self.prepare_queues(mailbox)
        self._ready.add(mailbox)

    def prepare_maildir(self, mailbox: Mailbox) -> None:
        """Make the missing folders of the Maildir alone."""
        folder = Path(self.folder(mailbox))
        self._make_folders([folder / name for name in ("tmp", "new", "cur")])

    def prepare_queues(self, mailbox: Mailbox) -> None:
        """Make the missing folders of the queues alone that get the mailbox's mail."""
        for pending in self.queues(mailbox):
            self.prepare_queue(Path(pending))

    def prepare_queue(self, pending: Path) -> None:
        """Make the missing folders of one queue. A link in the place of one is an OSError."""
        parts = [pending, pending.with_name("dead")] if self.is_of_hook(str(pending)) else [pending]
        self._make_folders(parts)
        for each in parts:
            if not stat.S_ISDIR(each.lstat().st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(each))

    def _make_folders(self, folders: Sequence[Path]) -> None:
        try:
            for each in folders:
                self.make_folder(each)
        except FileNotFoundError:  # Somebody has removed a folder above it since we saw it.
            self.forget()
            for each in folders:
                self.make_folder(each)

    def forget(self) -> None:
        """Forget which folders exist, because somebody has removed some of them."""
        self._durable = {nearest_folder(self.mail)}
        self._ready.clear()

    def claim_token(self) -> None:
        """Claim our files in tmp/, so that no other process takes them for leftovers (`leftovers`)."""
        if self._claim:
            self._claim.take()

    def release_token(self) -> None:
        if self._claim:
            self._claim.release()

    def prepare_mail_folder(self) -> None:
        """Make the mail folder and claim our token, if that is possible yet."""
        with contextlib.suppress(OSError):
            self.make_folder(self.mail)
            self.claim_token()

    def make_folder(self, path: Path) -> None:
        """Make the folder and those above it. They survive a crash when this has returned."""
        if path in self._durable:
            return
        self.make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            self.disk.mkdir(str(path), 0o700)
        # A folder that was there is synced too: an earlier try may have failed between making and syncing it.
        self.sync_folder(str(path.parent))
        self._durable.add(path)

    def sync_folder(self, path: str) -> None:
        fd = self.disk.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.disk.fsync(fd)
        finally:
            self.disk.close(fd)

    def write(self, fd: int, octets: bytes) -> None:
        """Write all of the octets."""
        view = memoryview(octets)
        while view:
            view = view[self.disk.write(fd, view) :]  # type: ignore[arg-type]

    def write_at(self, fd: int, octets: bytes, offset: int) -> None:
        """Write all of the octets at an offset. The file's position stays."""
        while octets:
            written = self.disk.pwritev(fd, [octets], offset)
            octets, offset = octets[written:], offset + written

    def copy(self, source: int, offset: int, target: int) -> None:
        """Copy all that is in one file from `offset` on to another file."""
        while block := self.disk.pread(source, _BLOCK, offset):
            self.write(target, block)
            offset += len(block)


def nearest_folder(path: Path) -> Path:
    """The path if it is a folder, else the nearest folder above it that exists."""
    return next(each for each in (path, *path.parents) if each.is_dir())
