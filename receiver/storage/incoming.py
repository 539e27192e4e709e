"""One message on its way into Maildirs: gathered in memory if it is small, else written to tmp/ in parts.

The receiver adds content with `gather`, and `spill` if it says so. A group then makes the message durable
with `stage`, `write_out`, `place`, a sync and `close`. If a step fails, `undo` removes everything. All
methods but `gather` and `put_on_top` block.

A hook gets a link to the file of each mailbox that it wants (`hook_queue`), and so does the bucket's queue.
`place` makes it, and whatever then makes the name in new/ durable, the log or a sync, makes the link durable
as well.

The header fields that all copies share are the first part of the content. Some of them may be known only when
the message is complete. A message that is written to a file before has an empty slot for them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from receiver import maildir
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy, Record, make_record

if TYPE_CHECKING:
    from receiver.bucket.protocol import Sender

T = TypeVar("T")

_SMALL = 131_072  # octets of a message after which its first part is written to tmp/
_PART = 262_144  # octets after which each further part is written
_MOST_OPEN = 16  # copies of one message up to which all files stay open, so that they are synced together


class Incoming:
    """A message. `name` is the name of its files. The mailboxes of `copies` differ.

    `shared` are header fields that follow the own fields of each copy. With `slot`, `put_on_top` must put
    further fields above them. If the message is written to a file before, they have `slot` octets there.
    """

    def __init__(
        self, folders: Folders, name: str, copies: Sequence[Copy], shared: bytes = b"", slot: int = 0
    ) -> None:
        self.name = name
        self.copies = copies
        self.size = 0  # octets of content, without `shared` and what is put on top
        self.trace = len(shared)  # octets of the fields that all copies share, above the content
        self.sender: Sender = "unknown"  # what the checks say of its sender
        self.pieces: list[bytes] = [shared] if shared else []  # what is not in a file yet
        self.staged = False  # whether all content is in files in tmp/
        self.files: list[int] = []  # descriptors of the files that are open and not synced yet
        self._folders = folders
        self._disk = folders.disk
        self._gathered = 0
        self._slot = slot
        self._top = b""  # for the slot in the first file
        self._paths: list[str] = []  # the files that `undo` has to remove

    @classmethod
    def from_record(cls, folders: Folders, record: Record) -> Incoming:
        """The message of a record, which is complete."""
        message = cls(folders, record.name, record.copies)
        message.size, message.pieces = len(record.content), [record.content]
        return message

    def gather(self, content: bytes) -> bool:
        """Add content. Returns True if so much is in memory now that `spill` must be called."""
        self.size += len(content)
        self.pieces.append(content)
        self._gathered += len(content)
        return self._gathered >= (_PART if self.files else _SMALL)

    def spill(self) -> None:
        """Write the content in memory to the file of the first copy."""
        if not self.files:
            self.files.append(self._create(self.copies[0], bytes(self._slot)))
        octets, self._gathered = b"".join(self.pieces), 0
        self.pieces.clear()
        self._folders.write(self.files[0], octets)

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` octets of what is in the first file, below the slot. Empty behind its end."""
        if not self.files:
            return b""
        return self._disk.pread(self.files[0], size, len(self.copies[0].fields) + self._slot + offset)

    @property
    def room_on_top(self) -> int:
        """The octets that `put_on_top` must be given; 0 if it takes any number."""
        return self._slot if self.files else 0

    def put_on_top(self, fields: bytes) -> None:
        """Put header fields above the shared ones. Call it once, when all content has been added."""
        self.trace += len(fields)
        if self.files:
            assert len(fields) == self._slot, f"{len(fields)} octets for a slot of {self._slot}"
            self._top = fields
        else:
            self.pieces.insert(0, fields)

    @property
    def is_small(self) -> bool:
        """Whether all its content is in memory, and its copies are few."""
        return not self.files and len(self.copies) <= _MOST_OPEN

    def to_record(self) -> Record:
        """The record of a small message that is complete and not staged yet."""
        return make_record(self.name, self.copies, b"".join(self.pieces))

    @property
    def has_files(self) -> bool:
        return bool(self._paths)

    @property
    def folders(self) -> set[str]:
        """The folders that its files go into: new/ of each mailbox, and pending/ of the queues."""
        found = {f"{self._folders.folder(copy.mailbox)}/new" for copy in self.copies}
        return found.union(*(self._folders.queues(copy.mailbox) for copy in self.copies))

    @property
    def all_open(self) -> bool:
        """Whether all files are open. With many copies, they were synced and closed one by one."""
        return len(self.files) == len(self.copies)

    @property
    def opened(self) -> dict[str, int]:
        """Its files, which are all open, by the folder new/ that each goes into."""
        return {
            f"{self._folders.folder(copy.mailbox)}/new": fd
            for fd, copy in zip(self.files, self.copies, strict=True)
        }

    @property
    def devices(self) -> dict[int, int]:
        """The devices (st_dev) of its open files, with one of the files on each."""
        return {os.fstat(fd).st_dev: fd for fd in self.files}

    def complete_file(self) -> None:
        """Write the rest of a message with a file to that file, which is its first copy. Raises OSError."""
        self.spill()
        self._folders.write_at(self.files[0], self._top, len(self.copies[0].fields))

    def stage(self) -> None:
        """Write all content into tmp/, unless that is done. Raises OSError, and leaves nothing then."""
        if self.staged:
            return
        try:
            self._stage()
        except BaseException:
            self.undo()
            raise
        self.staged = True

    def begin_writing_out(self) -> None:
        """Begin to write the files' content out to the disk."""
        for fd in self.files:
            self._disk.write_out(fd, False)

    def write_out(self) -> None:
        """Wait until the files' content has been written out. It is not durable yet."""
        for fd in self.files:
            self._disk.write_out(fd, True)

    def place(self) -> None:
        """Link the files into the queues, and rename them from tmp/ to new/.

        The links come first. If one cannot be made, no mailbox has had the message. A hook may have seen it,
        so its target may get it once more, under another name, when the sender tries again.
        """
        for copy in self.copies:
            for link in self._folders.links(copy.mailbox, self.name):
                self._in_folders(copy, partial(self._disk.link, self._path(copy, "tmp"), link))
                self._paths.append(link)
        for copy in self.copies:
            source, target = self._path(copy, "tmp"), self._path(copy, "new")
            self._in_folders(copy, partial(self._disk.rename, source, target))
            self._paths.remove(source)
            self._paths.append(target)

    def close(self) -> None:
        files, self.files = self.files, []
        for fd in files:
            with contextlib.suppress(OSError):  # An error in closing does not undo the sync.
                self._disk.close(fd)

    def undo(self) -> None:
        """Remove all files of the message. It was not accepted, and its sender will try again."""
        self.close()
        for path in self._paths:
            with contextlib.suppress(OSError):
                self._disk.unlink(path)
        self._paths.clear()
        self.pieces.clear()

    def _stage(self) -> None:
        streamed = bool(self.files)
        if streamed:
            self.complete_file()
        content = b"" if streamed else b"".join(self.pieces)
        many = len(self.copies) > _MOST_OPEN
        for copy in self.copies[streamed:]:
            fd = self._create(copy, content)
            try:
                if streamed:
                    self._folders.copy(self.files[0], len(self.copies[0].fields), fd)
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
        """Make a file in tmp/ with the copy's own fields and the content."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._folders.prepare(copy.mailbox)
        self._folders.claim_token()
        path = self._path(copy, "tmp")
        fd = self._in_folders(copy, partial(self._disk.open, path, flags, maildir.FILE_MODE))
        self._paths.append(path)
        try:
            self._folders.set_mode(fd, copy.mailbox)
            self._folders.write(fd, copy.fields + content)
        except BaseException:
            self._disk.close(fd)
            raise
        return fd

    def _in_folders(self, copy: Copy, call: Callable[[], T]) -> T:
        """Call something that needs the copy's folders. If one was removed, make it and call once more."""
        try:
            return call()
        except FileNotFoundError:
            self._folders.forget()
            self._folders.prepare(copy.mailbox)
            return call()
