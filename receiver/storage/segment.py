"""A segment of the write-ahead log: one file, its blocks allocated and written once, then used over and over.

Writing over blocks that are there costs a sync no journal commit: that is what makes the log fast. Each group
of records begins at a block of its own, so that no block that was promised is ever written again before the
segment is emptied. One process at a time has a segment, by its lock (flock(2)); the kernel lets go of it at
any death.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence

from receiver.storage import record
from receiver.storage.disk import Disk
from receiver.storage.record import Record

BLOCK = 4096
SYNCS = 2  # that may be under way at once
_PIECES = 1024  # that one system call takes (IOV_MAX)
_FILL = 1 << 20  # octets written at once when blocks are allocated


class Segment:
    """Opened and locked: BlockingIOError where another process has it. All may raise OSError."""

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self._fd = disk.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            disk.close(self._fd)
            raise
        self.path = path
        # For each sync that may be under way a description of its own (open(2)): an error in writing is told
        # to each of them, once. Of two syncs through one, the second would be told that all is well.
        self._for_syncs = [self._fd]
        self._broken = False  # a sync has failed: what was written before it is not to be trusted
        self.users = 0  # groups whose files are not all in their places yet
        self.was_short = False  # for what was to be written to it since it was emptied
        self.began = 0.0  # when its first record was written, by the monotonic clock
        self._folders: dict[int, int] = {}  # an open folder on each file system (st_dev) of its messages
        self._epoch = 0
        self._place = 0
        self._end = 0
        self._size = os.fstat(self._fd).st_size
        try:
            self._for_syncs += [disk.open(path, os.O_RDWR | os.O_CLOEXEC) for _ in range(SYNCS - 1)]
        except OSError:
            disk.close(self._fd)
            raise

    @property
    def size(self) -> int:
        """Octets that have their blocks."""
        return self._size

    @property
    def is_empty(self) -> bool:
        """Nothing was written since it was opened or emptied."""
        return self._end == 0

    def in_place(self) -> bool:
        """Whether its path still leads to it. What is in a file without a name is lost in a crash."""
        try:
            there, ours = os.stat(self.path), os.fstat(self._fd)  # noqa: PTH116  # for each group of messages
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def allocate(self, size: int) -> None:
        """Make it at least that long, its blocks written and on the disk."""
        zeros = bytes(_FILL)
        at = self._size
        while at < size:
            at += self._disk.pwritev(self._fd, [zeros[: size - at]], at)
        self._disk.fsync(self._fd)
        self._size = max(self._size, size)

    def append(self, group: Sequence[Record]) -> list[int] | None:
        """Write records where the last ones end; where each begins, or None if there is no room.

        Nothing is synced yet. After an error the next group takes the same place.
        """
        if not self._end:
            self._epoch, self._place = secrets.randbits(64), 0
        pieces: list[bytes] = []
        begins, at = [], self._end
        for place, each in enumerate(group, self._place):
            begins.append(at)
            packed = record.packed(each, self._epoch, place)
            pieces += packed
            at += sum(map(len, packed))
        if at > self._size:
            self.was_short = True
            return None
        self._write(pieces, self._end)
        self._place += len(group)
        self._end = _next_block(at)
        return begins

    def _write(self, pieces: list[bytes], at: int) -> None:
        for start in range(0, len(pieces), _PIECES):
            some = pieces[start : start + _PIECES]
            wanted, written = sum(map(len, some)), self._disk.pwritev(self._fd, some, at)
            while written < wanted:  # a disk that is full, or a signal
                rest = b"".join(some)[written:]
                written += self._disk.pwritev(self._fd, [rest], at + written)
            at += wanted

    def sync(self) -> None:
        """What has been appended is on stable storage when this returns. SYNCS at a time."""
        fd = self._for_syncs.pop()
        try:
            self._disk.fdatasync(fd)
        except OSError:
            self._broken = True
            raise
        finally:
            self._for_syncs.append(fd)
        if self._broken:
            raise OSError(errno.EIO, "an earlier sync of it failed")
        if not self.in_place():
            raise OSError(errno.ESTALE, "the file was removed or moved while in use")

    def note_device(self, device: int, folder: str) -> None:
        """A message goes to that file system (st_dev), on which that folder is."""
        if device not in self._folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            self._folders[device] = self._disk.open(folder, flags)

    def sync_devices(self) -> None:
        """All that its messages made in the file systems is on stable storage when this returns."""
        for folder in self._folders.values():
            self._disk.syncfs(folder)

    def withdraw(self, begin: int) -> None:
        """The record that begins there is not to be delivered after a crash: its message was refused."""
        self._disk.pwritev(self._fd, [record.WITHDRAWN], begin + record.WITHDRAWN_AT)

    def records(self) -> Iterator[Record]:
        """What a crash left, in order, up to the first that is not whole."""
        epoch, at, place = None, 0, 0
        while True:
            found = record.head(self._disk.pread(self._fd, record.HEAD, at), epoch, place)
            if found is None:
                start = _next_block(at)
                found = record.head(self._disk.pread(self._fd, record.HEAD, start), epoch, place)
                if found is None:
                    return
                at = start
            at += record.HEAD
            size = found.names + found.message
            if size > self.size - at:
                return
            message = record.unpacked(found, self._disk.pread(self._fd, size, at))
            if message is None:
                return
            if not found.withdrawn:
                yield message
            epoch, at, place = found.epoch, at + size, place + 1

    def empty(self) -> None:
        """Its records are of no more use. Once this is on the disk they are not read again."""
        self._disk.pwritev(self._fd, [bytes(record.HEAD)], 0)
        self._disk.fdatasync(self._fd)
        self._end, self.was_short, self._broken = 0, False, False

    def close_folders(self) -> None:
        for folder in self._folders.values():
            with contextlib.suppress(OSError):
                self._disk.close(folder)
        self._folders.clear()

    def close(self) -> None:
        """Let go of it, as it is."""
        self.close_folders()
        for fd in self._for_syncs:
            with contextlib.suppress(OSError):
                self._disk.close(fd)


def _next_block(at: int) -> int:
    return -(-at // BLOCK) * BLOCK
