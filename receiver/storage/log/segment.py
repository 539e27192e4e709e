"""A segment of the write-ahead log: a file whose blocks are allocated once and then written again and again.

The log is fast because of that: syncing blocks that were allocated before needs no commit of the file
system's journal. Each group of records begins at a new block, so a block with durable records is never
written again before the segment is emptied. A lock (flock(2)) gives a segment to one process at a time. The
kernel releases the lock when the process dies, in whatever way.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence

from receiver.storage.disk import Disk
from receiver.storage.log import record
from receiver.storage.log.record import Record

BLOCK = 4096  # octets
SYNCS = 2  # syncs that may run at once
_MOST_PIECES = 1024  # pieces that one system call can write (IOV_MAX of limits.h)
_FILL = 1 << 20  # octets that are written at once to allocate blocks


class Segment:
    """An open and locked segment. The constructor raises BlockingIOError if another process has the lock.

    All methods may raise OSError.
    """

    def __init__(self, disk: Disk, path: str) -> None:
        self._disk = disk
        self._fd = disk.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            disk.close(self._fd)
            raise
        self.path = path
        # Each sync that may run has an open file description of its own (open(2)). The kernel reports an
        # error of writing once for each description, so the second of two syncs on one description would not
        # get it.
        self._for_syncs = [self._fd]
        self._broken = False  # whether a sync has failed, so that nothing written before it can be trusted
        self.users = 0  # groups whose files are not all in new/ yet
        self.was_short = False  # whether a group found no room since the segment was emptied
        self.first_written_at = 0.0  # when its first record was written, by the monotonic clock
        self._folders: dict[int, int] = {}  # an open folder on each device (st_dev) of its messages
        self._epoch = 0
        self._place = 0  # of the next record
        self._end = 0  # where the next group begins
        self._size = os.fstat(self._fd).st_size
        try:
            self._for_syncs += [disk.open(path, os.O_RDWR | os.O_CLOEXEC) for _ in range(SYNCS - 1)]
        except OSError:
            disk.close(self._fd)
            raise

    @property
    def size(self) -> int:
        """The octets whose blocks are allocated."""
        return self._size

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written since the segment was opened or emptied."""
        return self._end == 0

    def in_place(self) -> bool:
        """Whether the path still leads to our file. After a crash nobody finds a file without a name."""
        try:
            # os.stat is faster than Path.stat, and this runs for each group of messages.
            there, ours = os.stat(self.path), os.fstat(self._fd)  # noqa: PTH116
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def allocate(self, size: int) -> None:
        """Make the segment at least `size` octets long, with all its blocks written and synced."""
        zeros = bytes(_FILL)
        at = self._size
        while at < size:
            at += self._disk.pwritev(self._fd, [zeros[: size - at]], at)
        self._disk.fsync(self._fd)
        self._size = max(self._size, size)

    def append(self, group: Sequence[Record]) -> list[int] | None:
        """Write records after the last ones, without a sync. Returns where each begins.

        Returns None if there is no room. After an error the next group is written to the same place.
        """
        if not self._end:
            self._epoch, self._place = secrets.randbits(64), 0
        pieces: list[bytes] = []
        begins, at = [], self._end
        for place, each in enumerate(group, self._place):
            begins.append(at)
            pieces += (record.pack_head(each, self._epoch, place), each.body)
            at += record.HEAD + len(each.body)
        if at > self._size:
            self.was_short = True
            return None
        self._write(pieces, self._end)
        self._place += len(group)
        self._end = _next_block(at)
        return begins

    def _write(self, pieces: list[bytes], at: int) -> None:
        for start in range(0, len(pieces), _MOST_PIECES):
            some = pieces[start : start + _MOST_PIECES]
            wanted, written = sum(map(len, some)), self._disk.pwritev(self._fd, some, at)
            while written < wanted:  # The disk is full, or a signal came.
                rest = b"".join(some)[written:]
                written += self._disk.pwritev(self._fd, [rest], at + written)
            at += wanted

    def sync(self) -> None:
        """Make durable all that was appended before. At most SYNCS threads may call this at once."""
        fd = self._for_syncs.pop()
        try:
            self._disk.fdatasync(fd)
        except OSError:
            self._broken = True
            raise
        finally:
            self._for_syncs.append(fd)
        if self._broken:
            raise OSError(errno.EIO, "an earlier sync of this segment failed")
        if not self.in_place():
            raise OSError(errno.ESTALE, "the file was removed or moved while in use")

    def note_device(self, device: int, folder: str) -> None:
        """Note that a message goes to that device (st_dev), on which that folder is."""
        if device not in self._folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            self._folders[device] = self._disk.open(folder, flags)

    def sync_devices(self) -> None:
        """Make durable the Maildir files of the messages in this segment."""
        for folder in self._folders.values():
            self._disk.syncfs(folder)

    def put_tombstone(self, begin: int) -> None:
        """Mark the record that begins there: its message was refused, and no recovery may deliver it."""
        self._disk.pwritev(self._fd, [record.TOMBSTONE], begin + record.TOMBSTONE_AT)

    def records(self) -> Iterator[Record]:
        """The records that a crash left, in order, up to the first that is not complete.

        Leaves out those with a tombstone.
        """
        epoch, at, place = None, 0, 0
        while True:
            found = record.parse_head(self._disk.pread(self._fd, record.HEAD, at), epoch, place)
            if found is None:
                start = _next_block(at)
                found = record.parse_head(self._disk.pread(self._fd, record.HEAD, start), epoch, place)
                if found is None:
                    return
                at = start
            at += record.HEAD
            size = found.names + found.message
            if size > self.size - at:
                return
            message = record.parse_record(found, self._disk.pread(self._fd, size, at))
            if message is None:
                return
            if not found.has_tombstone:
                yield message
            epoch, at, place = found.epoch, at + size, place + 1

    def empty(self) -> None:
        """Empty the segment. When this has returned, its records are never read again."""
        self._disk.pwritev(self._fd, [bytes(record.HEAD)], 0)
        self._disk.fdatasync(self._fd)
        self._end, self.was_short, self._broken = 0, False, False

    def close_folders(self) -> None:
        for folder in self._folders.values():
            with contextlib.suppress(OSError):
                self._disk.close(folder)
        self._folders.clear()

    def close(self) -> None:
        """Close the segment as it is, and release its lock."""
        self.close_folders()
        for fd in self._for_syncs:
            with contextlib.suppress(OSError):
                self._disk.close(fd)


def _next_block(at: int) -> int:
    return -(-at // BLOCK) * BLOCK
