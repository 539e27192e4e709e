"""Durable delivery into Maildirs: `<mail>/<domain>/<mailbox>/{tmp,new,cur}`.

The folders, the names and the threads; a message on its way is an `incoming.Incoming`, and what makes it
durable, together with others, is `commit`. Blocking work is done on threads, so that no disk stops the
conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from receiver.recipients import Mailbox
from receiver.storage import leftovers
from receiver.storage.commit import Commit
from receiver.storage.disk import SYSTEM, Disk, keeps_order
from receiver.storage.incoming import Incoming
from receiver.storage.leftovers import Claim
from receiver.storage.record import Copy
from receiver.storage.recovery import open_log, recover
from receiver.storage.wal import Log
from receiver.storage.writer import Writer

_FREE_FOR = 1.0  # seconds that a look at the free space is good for

T = TypeVar("T")


class Store:
    """All mailboxes under one folder. `hostname` goes into file names."""

    def __init__(
        self,
        mail: Path,
        hostname: str,
        *,
        threads: int = 16,
        disk: Disk = SYSTEM,
        keeps_order: Callable[[int], bool] = keeps_order,
    ) -> None:
        self.mail = mail
        self._root = str(mail)
        self.disk = disk
        self.keeps_order = keeps_order
        self._hostname = hostname.replace("/", "\\057").replace(":", "\\072")
        self.threads = ThreadPoolExecutor(threads, "disk")
        self.syncs = ThreadPoolExecutor(8, "sync")
        self.log: Log | None = None
        self.writer: Writer | None = None  # stores small messages, if there is one
        self._small, self._large = Commit(self), Commit(self)
        self._ready: set[Mailbox] = set()
        self._made = {_first_folder(mail)}  # folders whose entries are known to be on disk
        self._process = os.getpid()
        self._counter = itertools.count(1)
        self._token = secrets.token_hex(4)
        self.claim = Claim(mail, self._token)
        self._looked, self._free = -_FREE_FOR, 0

    def settle(self) -> None:
        """Take what a store needs that writes no file itself: the lock for its names, if it can be had."""
        with contextlib.suppress(OSError):
            self.make_folder(self.mail)
            self.claim.hold()

    def identity(self) -> str:
        """A name that no other message has, on any worker, before or after any reboot."""
        return (
            f"M{time.time_ns() // 1000 % 1_000_000:06d}P{self._process}Q{next(self._counter)}R{self._token}"
        )

    def incoming(self, identity: str, copies: Sequence[Copy]) -> Incoming:
        """A message that begins; nothing is on disk yet. The mailboxes of `copies` differ."""
        return Incoming(self, f"{int(time.time())}.{identity}.{self._hostname}", copies)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def commit(self, message: Incoming) -> None:
        """Make a message durable, in a group with those that come at the same time. Raises OSError."""
        if not message.is_small:
            await self._large.deliver(message)
        elif self.writer is None or self.writer.lost:
            await self._small.deliver(message)
        else:
            await self.writer.deliver(message.record)

    def folder(self, mailbox: Mailbox) -> str:
        return f"{self._root}/{mailbox.domain}/{mailbox.name}"

    def prepare(self, mailbox: Mailbox) -> None:
        """What is missing of the Maildir is made, durably, down from the first folder there is."""
        if mailbox in self._ready:
            return
        try:
            self._make_maildir(mailbox)
        except FileNotFoundError:  # a folder above it was removed since we saw it
            self.forget()
            self._make_maildir(mailbox)
        self._ready.add(mailbox)

    def _make_maildir(self, mailbox: Mailbox) -> None:
        folder = Path(self.folder(mailbox))
        for name in ("tmp", "new", "cur"):
            self.make_folder(folder / name)

    def forget(self) -> None:
        """Somebody removed folders that were there."""
        self._made = {_first_folder(self.mail)}
        self._ready.clear()

    def sync_folder(self, path: str) -> None:
        fd = self.disk.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.disk.fsync(fd)
        finally:
            self.disk.close(fd)

    def make_folder(self, path: Path) -> None:
        """The folder, and those above it, are there when this returns, also after a crash."""
        if path in self._made:
            return
        self.make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            self.disk.mkdir(str(path), 0o700)
        # Also where it was there: an earlier try may have failed between making and syncing.
        self.sync_folder(str(path.parent))
        self._made.add(path)

    def write(self, fd: int, octets: bytes) -> None:
        """All of them."""
        view = memoryview(octets)
        while view:
            view = view[self.disk.write(fd, view) :]  # type: ignore[arg-type]

    def recover(self) -> int:
        """Make the mail that a crash left in a log; the number of files that had to be made."""
        return recover(self)

    def open_log(self, *, smallest: int = 1 << 20, largest: int = 32 << 20) -> None:
        """From here on small messages are made durable in the log, if there can be one."""
        self.log = open_log(self, smallest=smallest, largest=largest)

    def sweep(self) -> int:
        """Remove from every tmp/ what no living delivery can own any more; the number removed."""
        return leftovers.sweep(self.mail)

    async def has_room(self, size: int) -> bool:
        """Whether a message of so many octets would fit on the disk as it was a moment ago."""
        now = time.monotonic()
        if now - self._looked > _FREE_FOR:
            self._looked, self._free = now, await self.run(self._free_space)
        return size <= self._free

    def _free_space(self) -> int:
        try:
            disk = os.statvfs(_first_folder(self.mail))
        except OSError:
            return sys.maxsize  # what is wrong will show when the message is written
        return disk.f_bavail * disk.f_frsize

    def close_log(self) -> None:
        if self.log:
            self.log.close()
            self.log = None

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.threads.shutdown(wait=True)
        self.syncs.shutdown(wait=True)
        self.close_log()
        self.claim.release()


def _first_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.is_dir())
