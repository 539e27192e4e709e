"""The storage as the event loop sees it: all methods that the receiver awaits. Threads do the blocking work.

Only `deliver` decides where a message becomes durable. If a 250 means that the bucket has it, every message
goes there (`bucket`), but for those to our own mailboxes (`bucket_queue.wants`). Else small messages go to
the writer (`writer`), if there is one. For all others a thread of this process does it (`commit`).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from receiver import bucket_queue
from receiver.storage import leftovers
from receiver.storage.commit import GroupCommit
from receiver.storage.folders import Folders, nearest_folder
from receiver.storage.group import FILE_SYNCS, Failures, Group
from receiver.storage.incoming import Incoming
from receiver.storage.log.record import Copy
from receiver.storage.log.recovery import recover
from receiver.storage.log.wal import Log
from receiver.storage.writer import Writer

if TYPE_CHECKING:
    from receiver.storage.bucket.puts import Puts

_BLOCK = 65_536  # octets of a message that are read at once
_FREE_SPACE_AGE = 1.0  # seconds for which a measurement of the free space is used

T = TypeVar("T")


class BucketError(OSError):
    """The bucket has not taken a message, or has not said so in time. The sender may try again."""


class Store:
    """The store of all mailboxes of `folders`. `hostname` becomes part of the file names (maildir(5)).

    With `bucket`, messages are durable when the bucket has them, and nothing of them stays on this disk.
    Without a `writer`, the store makes small messages durable itself, with `log` if that is given.
    """

    def __init__(
        self,
        folders: Folders,
        hostname: str,
        *,
        writer: Writer | None = None,
        log: Log | None = None,
        bucket: Puts | None = None,
        threads: int = 16,
    ) -> None:
        self.folders = folders
        self._writer, self._log, self._bucket = writer, log, bucket
        self._hostname = hostname.replace("/", "\\057").replace(":", "\\072")  # as maildir(5) says
        self._threads = ThreadPoolExecutor(threads, "disk")
        self._syncs = ThreadPoolExecutor(FILE_SYNCS, "sync")
        self._small = GroupCommit(self._threads, self._make_durable)
        self._large = GroupCommit(self._threads, self._make_durable)
        self._process = os.getpid()
        self._counter = itertools.count(1)
        self._measured_at, self._free_space = -_FREE_SPACE_AGE, 0

    def identity(self) -> str:
        """A new identity, which no other message has, on any worker, before or after any reboot."""
        microseconds = time.time_ns() // 1000 % 1_000_000
        return f"M{microseconds:06d}P{self._process}Q{next(self._counter)}R{self.folders.token}"

    def incoming(self, identity: str, copies: Sequence[Copy], shared: bytes = b"", slot: int = 0) -> Incoming:
        """Begin a message, as `Incoming` says. Nothing of it is on disk yet."""
        name = f"{int(time.time())}.{identity}.{self._hostname}"
        return Incoming(self.folders, name, copies, shared, slot)

    async def write(self, message: Incoming, content: bytes) -> None:
        """Add content. Raises OSError. After an error the message can only be abandoned."""
        if message.gather(content):
            await self._run(message.spill)

    async def content(self, message: Incoming) -> AsyncIterator[bytes]:
        """What has been added to a message, and its shared fields above it, in pieces. Raises OSError."""
        offset = 0
        while message.files and (block := await self._run(partial(message.read, offset, _BLOCK))):
            yield block
            offset += len(block)
        if message.pieces:
            yield b"".join(message.pieces)

    async def deliver(self, message: Incoming) -> None:
        """Return when each mailbox has its copy in new/, on stable storage, or the bucket has all copies.

        Raises OSError, and leaves nothing in any new/ then. It is a BucketError if the bucket has failed.
        """
        if self._bucket is not None and self.goes_to_bucket(message):
            if message.files:
                await self._run(message.complete_file)
            try:
                await self._bucket.put(message)
            except OSError as error:
                raise BucketError(error.errno, error.strerror) from error
            if message.has_files:
                self._threads.submit(message.undo)  # The bucket has it. The reply need not wait for this.
        elif not message.is_small:
            await self._run(message.stage)  # first, so that no other message of its group waits for that
            await self._large.deliver(message)
        elif self._writer is None or self._writer.lost:
            await self._small.deliver(message)
        else:
            await self._writer.deliver(message.name, message.copies, message.pieces)

    def goes_to_bucket(self, message: Incoming) -> bool:
        """Whether a 250 means that the bucket has it. Mail for our own mailboxes alone stays here."""
        return self._bucket is not None and any(bucket_queue.wants(each.mailbox) for each in message.copies)

    async def abandon(self, message: Incoming) -> None:
        """Remove a message that will not be delivered."""
        if message.has_files:
            await self._run(message.undo)
        message.pieces.clear()

    async def has_room(self, size: int) -> bool:
        """Whether a message of `size` octets would fit on the disk, as measured within the last second."""
        now = time.monotonic()
        if now - self._measured_at > _FREE_SPACE_AGE:
            self._measured_at, self._free_space = now, await self._run(self._measure_free_space)
        return size <= self._free_space

    async def recover(self) -> int:
        """Recover the mail that a crash left in the log (`recovery`). Returns the number of files made."""
        return await self._run(lambda: recover(self.folders))

    async def sweep(self) -> int:
        """Remove the leftovers of dead receivers (`leftovers`). Returns the number of files removed."""
        await self._run(self.folders.prepare_mail_folder)
        return await self._run(lambda: leftovers.sweep(self.folders.mail))

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        if self._bucket:
            self._bucket.close()
        self._threads.shutdown(wait=True)
        self._syncs.shutdown(wait=True)
        if self._log:
            self._log.close()
            self._log = None
        self.folders.release_token()

    def _make_durable(self, messages: Sequence[Incoming]) -> Failures:
        return Group(self.folders, self._log, self._syncs, messages).commit()

    def _measure_free_space(self) -> int:
        try:
            disk = os.statvfs(nearest_folder(self.folders.mail))
        except OSError:
            return sys.maxsize  # The fault will show when the message is written.
        return disk.f_bavail * disk.f_frsize

    async def _run(self, work: Callable[[], T]) -> T:
        """Run blocking work on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
