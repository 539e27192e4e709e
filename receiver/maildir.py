"""Durable delivery into Maildirs: `<mail>/<domain>/<mailbox>/{tmp,new,cur}`.

A message is streamed into the first mailbox's tmp/ as it comes and never held whole. `deliver` returns
when every mailbox has its copy in new/, file and folder entry synced; it raises OSError, with nothing
left in any new/, otherwise. Blocking work is done on threads, so that no disk stops the conversation.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from receiver import leftovers
from receiver.leftovers import Claim
from receiver.recipients import Mailbox

_SPILL = 131_072  # octets gathered before they are written
_BLOCK = 1_048_576
_FREE_FOR = 1.0  # seconds that a look at the free space is good for

T = TypeVar("T")


class Disk(Protocol):
    """The system calls used, so that a test can make any of them fail. The os module is one."""

    def open(self, path: str, flags: int, mode: int = 0o777, /) -> int: ...
    def write(self, fd: int, octets: bytes, /) -> int: ...
    def pread(self, fd: int, size: int, offset: int, /) -> bytes: ...
    def fsync(self, fd: int, /) -> None: ...
    def close(self, fd: int, /) -> None: ...
    def rename(self, source: str, target: str, /) -> None: ...
    def unlink(self, path: str, /) -> None: ...
    def mkdir(self, path: str, mode: int = 0o777, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy: the fields that go above the content."""

    mailbox: Mailbox
    fields: bytes


class Store:
    """All mailboxes under one folder. `hostname` goes into file names."""

    def __init__(self, mail: Path, hostname: str, *, threads: int = 16, disk: Disk = os) -> None:
        self.mail = mail
        self._root = str(mail)
        self.disk = disk
        self._hostname = hostname.replace("/", "\\057").replace(":", "\\072")
        self._threads = ThreadPoolExecutor(threads, "disk")
        self._ready: set[Mailbox] = set()
        self._made = {_first_folder(mail)}  # folders whose entries are known to be on disk
        self._counter = itertools.count(1)
        self._token = secrets.token_hex(4)
        self.claim = Claim(mail, self._token)
        self._looked, self._free = -_FREE_FOR, 0

    def identity(self) -> str:
        """A name that no other message has, on any worker, before or after any reboot."""
        return f"M{time.time_ns() // 1000 % 1_000_000:06d}P{os.getpid()}Q{next(self._counter)}R{self._token}"

    def incoming(self, identity: str, copies: Sequence[Copy]) -> Incoming:
        """A message that begins; nothing is on disk yet. The mailboxes of `copies` differ."""
        return Incoming(self, f"{int(time.time())}.{identity}.{self._hostname}", copies)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def folder(self, mailbox: Mailbox) -> str:
        return f"{self._root}/{mailbox.domain}/{mailbox.name}"

    def prepare(self, mailbox: Mailbox) -> None:
        """What is missing of the Maildir is made, durably, down from the first folder there is."""
        if mailbox in self._ready:
            return
        folder = Path(self.folder(mailbox))
        for name in ("tmp", "new", "cur"):
            self._make(folder / name)
        self._ready.add(mailbox)

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

    def _make(self, path: Path) -> None:
        if path in self._made:
            return
        self._make(path.parent)
        with contextlib.suppress(FileExistsError):
            self.disk.mkdir(str(path), 0o700)
        # Also where it was there: an earlier try may have failed between making and syncing.
        self.sync_folder(str(path.parent))
        self._made.add(path)

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

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.claim.release()


def _first_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.is_dir())


class Incoming:
    """One message on its way to disk: `write` its content, then `deliver` or `abandon`."""

    def __init__(self, store: Store, name: str, copies: Sequence[Copy]) -> None:
        self.size = 0  # octets of content
        self._store = store
        self._name = name
        self._copies = copies
        self._pending: list[bytes] = []
        self._gathered = 0
        self._fd = -1  # the first copy, once content has been spilled into it
        self._files: list[str] = []  # what a refusal has to remove

    async def write(self, content: bytes) -> None:
        """Raises OSError; the message can then only be abandoned."""
        self.size += len(content)
        self._pending.append(content)
        self._gathered += len(content)
        if self._gathered >= _SPILL:
            await self._store.run(self._spill)

    async def deliver(self) -> None:
        await self._store.run(self._deliver)

    async def abandon(self) -> None:
        if self._files:
            await self._store.run(self._undo)
        self._pending.clear()

    def _spill(self) -> None:
        if self._fd < 0:
            self._fd = self._create(self._copies[0])
        octets, self._gathered = b"".join(self._pending), 0
        self._pending.clear()
        self._write(self._fd, octets)

    def _deliver(self) -> None:
        try:
            whole = b"".join(self._pending) if self._fd < 0 else None
            if whole is None:
                self._spill()
            first = self._fd
            for copy in self._copies:
                if copy is self._copies[0] and whole is None:
                    fd = first
                    self._store.disk.fsync(fd)
                    continue
                fd = self._create(copy)
                try:
                    if whole is not None:
                        self._write(fd, whole)
                    else:
                        self._copy_content(first, fd)
                    self._store.disk.fsync(fd)
                finally:
                    self._store.disk.close(fd)
            self._close()
            self._place()
        except BaseException:
            self._undo()
            raise

    def _place(self) -> None:
        """From tmp/ to new/, and the folder entries to disk."""
        for copy in self._copies:
            source, target = self._path(copy, "tmp"), self._path(copy, "new")
            self._store.disk.rename(source, target)
            self._files.remove(source)
            self._files.append(target)
        for copy in self._copies:
            self._store.sync_folder(f"{self._store.folder(copy.mailbox)}/new")

    def _path(self, copy: Copy, part: str) -> str:
        return f"{self._store.folder(copy.mailbox)}/{part}/{self._name}"

    def _create(self, copy: Copy) -> int:
        """A new file in tmp/ with the copy's own fields."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        if copy is self._copies[0]:
            flags ^= os.O_WRONLY | os.O_RDWR
        self._store.prepare(copy.mailbox)
        self._store.claim.hold()
        path = self._path(copy, "tmp")
        try:
            fd = self._store.disk.open(path, flags, 0o600)
        except FileNotFoundError:  # somebody removed the Maildir since we saw it
            self._store.forget()
            self._store.prepare(copy.mailbox)
            fd = self._store.disk.open(path, flags, 0o600)
        self._files.append(path)
        try:
            self._write(fd, copy.fields)
        except BaseException:
            self._store.disk.close(fd)
            raise
        return fd

    def _copy_content(self, source: int, target: int) -> None:
        offset = len(self._copies[0].fields)
        while block := self._store.disk.pread(source, _BLOCK, offset):
            self._write(target, block)
            offset += len(block)

    def _write(self, fd: int, octets: bytes) -> None:
        view = memoryview(octets)
        while view:
            view = view[self._store.disk.write(fd, view) :]  # type: ignore[arg-type]

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            self._store.disk.close(fd)

    def _undo(self) -> None:
        """Leave nothing behind: this message was not accepted, and its sender will try again."""
        with contextlib.suppress(OSError):
            self._close()
        for path in self._files:
            with contextlib.suppress(OSError):
                self._store.disk.unlink(path)
        self._files.clear()
