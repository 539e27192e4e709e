"""One message on its way into Maildirs: streamed into the first mailbox's tmp/ as it comes, never held whole.

`deliver` returns when every mailbox has its copy in new/, on stable storage; it raises OSError, with nothing
left in any new/, otherwise. The steps between are `commit`'s, for a group of messages at once: `stage`,
`write_out`, `place`, and the sync; after a step that failed, `undo`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from receiver.storage.record import Copy, Record

if TYPE_CHECKING:
    from receiver.storage.maildir import Store

T = TypeVar("T")

_SMALL = 131_072  # octets gathered at most of a message of which nothing is written
_PIECE = 262_144  # octets gathered at most before more is written
_BLOCK = 1_048_576
_OPEN = 16  # copies of one message that are kept open until they are synced together


class Incoming:
    """`write` the content, then `deliver` or `abandon`."""

    def __init__(self, store: Store, name: str, copies: Sequence[Copy]) -> None:
        self.size = 0  # octets of content
        self.staged = False
        self.files: list[int] = []  # open, and not synced yet
        self._store = store
        self._disk = store.disk
        self._name = name
        self._copies = copies
        self._pending: list[bytes] = []
        self._whole: bytes | None = None  # all content, where it was never written before the end
        self._gathered = 0
        self._paths: list[str] = []  # what a refusal has to remove

    @classmethod
    def of(cls, store: Store, record: Record) -> Incoming:
        """A message that has come in whole."""
        message = cls(store, record.name, record.copies)
        message.size, message._pending = len(record.content), [record.content]
        return message

    async def write(self, content: bytes) -> None:
        """Raises OSError; the message can then only be abandoned."""
        self.size += len(content)
        self._pending.append(content)
        self._gathered += len(content)
        if self._gathered >= (_PIECE if self.files else _SMALL):
            await self._store.run(self._spill)

    async def deliver(self) -> None:
        if not self.is_small:  # nobody else shall wait for its content
            await self._store.run(self.stage)
        await self._store.commit(self)

    async def abandon(self) -> None:
        if self._paths:
            await self._store.run(self.undo)
        self._pending.clear()

    @property
    def is_small(self) -> bool:
        """All its content is in memory."""
        return not self.files and len(self._copies) <= _OPEN

    @property
    def record(self) -> Record:
        """Of a small message that has come in whole."""
        whole = b"".join(self._pending) if self._whole is None else self._whole
        return Record(self._name, self._copies, whole)

    @property
    def folders(self) -> set[str]:
        """Those that its entries in new/ are in."""
        return {f"{self._store.folder(copy.mailbox)}/new" for copy in self._copies}

    def stage(self) -> None:
        """All content into tmp/, unless it is there. Raises OSError, with nothing left."""
        if self.staged:
            return
        try:
            self._stage()
        except BaseException:
            self.undo()
            raise
        self.staged = True

    @property
    def all_open(self) -> bool:
        """False where it has so many copies that some have been synced and closed already."""
        return len(self.files) == len(self._copies)

    @property
    def opened(self) -> dict[str, int]:
        """Its open files, all of them, by the folder that each will be in."""
        return {
            f"{self._store.folder(copy.mailbox)}/new": fd
            for fd, copy in zip(self.files, self._copies, strict=True)
        }

    @property
    def devices(self) -> dict[int, int]:
        """The file systems (st_dev) of its open files, with a file on each."""
        return {os.fstat(fd).st_dev: fd for fd in self.files}

    def begin_writing_out(self) -> None:
        for fd in self.files:
            self._disk.write_out(fd, False)

    def write_out(self) -> None:
        """Wait until the content has been written, though not synced."""
        for fd in self.files:
            self._disk.write_out(fd, True)

    def forget_content(self) -> None:
        """It is in the files, and in the log."""
        self._whole = None

    def place(self) -> None:
        """From tmp/ to new/."""
        for copy in self._copies:
            source, target = self._path(copy, "tmp"), self._path(copy, "new")
            self._in_maildir(copy, partial(self._disk.rename, source, target))
            self._paths.remove(source)
            self._paths.append(target)

    def close(self) -> None:
        files, self.files, self._whole = self.files, [], None
        for fd in files:
            with contextlib.suppress(OSError):  # what was synced stays synced
                self._disk.close(fd)

    def undo(self) -> None:
        """Leave nothing behind: this message was not accepted, and its sender will try again."""
        self.close()
        for path in self._paths:
            with contextlib.suppress(OSError):
                self._disk.unlink(path)
        self._paths.clear()

    def _spill(self) -> None:
        if not self.files:
            self.files.append(self._create(self._copies[0]))
        octets, self._gathered = b"".join(self._pending), 0
        self._pending.clear()
        self._store.write(self.files[0], octets)

    def _stage(self) -> None:
        self._whole = whole = None if self.files else b"".join(self._pending)
        if whole is None:
            self._spill()
        first = self.files[0] if self.files else -1
        many = len(self._copies) > _OPEN
        for copy in self._copies[whole is None :]:
            fd = self._create(copy, whole or b"")
            try:
                if whole is None:
                    self._copy_content(first, fd)
                if many:
                    self._disk.fsync(fd)
            except BaseException:
                self._disk.close(fd)
                raise
            if many:
                self._disk.close(fd)
            else:
                self.files.append(fd)
        self._pending.clear()

    def _path(self, copy: Copy, part: str) -> str:
        return f"{self._store.folder(copy.mailbox)}/{part}/{self._name}"

    def _create(self, copy: Copy, content: bytes = b"") -> int:
        """A new file in tmp/ with the copy's own fields."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._store.prepare(copy.mailbox)
        self._store.claim.hold()
        path = self._path(copy, "tmp")
        fd = self._in_maildir(copy, partial(self._disk.open, path, flags, 0o600))
        self._paths.append(path)
        try:
            self._store.write(fd, copy.fields + content)
        except BaseException:
            self._disk.close(fd)
            raise
        return fd

    def _in_maildir(self, copy: Copy, act: Callable[[], T]) -> T:
        """Act in the folders of a Maildir. Make them again if they were removed since we saw them."""
        try:
            return act()
        except FileNotFoundError:
            self._store.forget()
            self._store.prepare(copy.mailbox)
            return act()

    def _copy_content(self, source: int, target: int) -> None:
        offset = len(self._copies[0].fields)
        while block := self._disk.pread(source, _BLOCK, offset):
            self._store.write(target, block)
            offset += len(block)
