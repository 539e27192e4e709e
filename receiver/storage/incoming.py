"""One message on its way into Maildirs: gathered while small, else streamed into a tmp/ as it comes.

The receiver gathers (`gather`, `spill`); a group makes it durable in steps (`stage`, `write_out`, `place`, a
sync, `close`). After a step that failed comes `undo`, which leaves nothing behind. All but `gather` block.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from receiver.storage.folders import Folders
from receiver.storage.record import Copy, Record, make_record

T = TypeVar("T")

_SMALL = 131_072  # octets gathered at most of a message of which nothing is written
_PIECE = 262_144  # octets gathered at most before more is written
_BLOCK = 1_048_576
_OPEN = 16  # copies of one message that are kept open until they are synced together


class Incoming:
    """`name` is that of its files; the mailboxes of `copies` differ."""

    def __init__(self, folders: Folders, name: str, copies: Sequence[Copy]) -> None:
        self.name = name
        self.copies = copies
        self.size = 0  # octets of content
        self.pieces: list[bytes] = []  # content that is not in a file yet
        self.staged = False
        self.files: list[int] = []  # open, and not synced yet
        self._folders = folders
        self._disk = folders.disk
        self._gathered = 0
        self._paths: list[str] = []  # what a refusal has to remove

    @classmethod
    def from_record(cls, folders: Folders, record: Record) -> Incoming:
        """A message that has come in whole."""
        message = cls(folders, record.name, record.copies)
        message.size, message.pieces = len(record.content), [record.content]
        return message

    def gather(self, content: bytes) -> bool:
        """Take content. True: so much has been gathered that it is to be written now, by `spill`."""
        self.size += len(content)
        self.pieces.append(content)
        self._gathered += len(content)
        return self._gathered >= (_PIECE if self.files else _SMALL)

    def spill(self) -> None:
        """Write what was gathered to the first copy's file."""
        if not self.files:
            self.files.append(self._create(self.copies[0]))
        octets, self._gathered = b"".join(self.pieces), 0
        self.pieces.clear()
        self._folders.write(self.files[0], octets)

    @property
    def is_small(self) -> bool:
        """All its content is in memory."""
        return not self.files and len(self.copies) <= _OPEN

    def to_record(self) -> Record:
        """Of a small message that has come in whole and was not staged yet."""
        return make_record(self.name, self.copies, b"".join(self.pieces))

    @property
    def has_files(self) -> bool:
        return bool(self._paths)

    @property
    def folders(self) -> set[str]:
        """Those that its entries in new/ are in."""
        return {f"{self._folders.folder(copy.mailbox)}/new" for copy in self.copies}

    @property
    def all_open(self) -> bool:
        """False where it has so many copies that some have been synced and closed already."""
        return len(self.files) == len(self.copies)

    @property
    def opened(self) -> dict[str, int]:
        """Its open files, all of them, by the folder that each will be in."""
        return {
            f"{self._folders.folder(copy.mailbox)}/new": fd
            for fd, copy in zip(self.files, self.copies, strict=True)
        }

    @property
    def devices(self) -> dict[int, int]:
        """The file systems (st_dev) of its open files, with a file on each."""
        return {os.fstat(fd).st_dev: fd for fd in self.files}

    def stage(self) -> None:
        """Write all content into tmp/, unless it is there. Raises OSError, with nothing left."""
        if self.staged:
            return
        try:
            self._stage()
        except BaseException:
            self.undo()
            raise
        self.staged = True

    def begin_writing_out(self) -> None:
        for fd in self.files:
            self._disk.write_out(fd, False)

    def write_out(self) -> None:
        """Wait until the content has been written, though not synced."""
        for fd in self.files:
            self._disk.write_out(fd, True)

    def place(self) -> None:
        """Rename from tmp/ to new/."""
        for copy in self.copies:
            source, target = self._path(copy, "tmp"), self._path(copy, "new")
            self._in_maildir(copy, partial(self._disk.rename, source, target))
            self._paths.remove(source)
            self._paths.append(target)

    def close(self) -> None:
        files, self.files = self.files, []
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
        self.pieces.clear()

    def _stage(self) -> None:
        streamed = bool(self.files)
        if streamed:
            self.spill()
        content = b"" if streamed else b"".join(self.pieces)
        many = len(self.copies) > _OPEN
        for copy in self.copies[streamed:]:
            fd = self._create(copy, content)
            try:
                if streamed:
                    self._copy_content(self.files[0], fd)
                if many:
                    self._disk.fsync(fd)
            except BaseException:
                self._disk.close(fd)
                raise
            if many:
                self._disk.close(fd)
            else:
                self.files.append(fd)
        self.pieces.clear()

    def _path(self, copy: Copy, part: str) -> str:
        return f"{self._folders.folder(copy.mailbox)}/{part}/{self.name}"

    def _create(self, copy: Copy, content: bytes = b"") -> int:
        """A new file in tmp/ with the copy's own fields."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._folders.prepare(copy.mailbox)
        self._folders.hold()
        path = self._path(copy, "tmp")
        fd = self._in_maildir(copy, partial(self._disk.open, path, flags, 0o600))
        self._paths.append(path)
        try:
            self._folders.write(fd, copy.fields + content)
        except BaseException:
            self._disk.close(fd)
            raise
        return fd

    def _in_maildir(self, copy: Copy, act: Callable[[], T]) -> T:
        """Act in the folders of a Maildir. Make them again if they were removed since we saw them."""
        try:
            return act()
        except FileNotFoundError:
            self._folders.forget()
            self._folders.prepare(copy.mailbox)
            return act()

    def _copy_content(self, source: int, target: int) -> None:
        offset = len(self.copies[0].fields)
        while block := self._disk.pread(source, _BLOCK, offset):
            self._folders.write(target, block)
            offset += len(block)
