"""The event loop's face of the storage: what the receiver awaits. Blocking work is done on threads.

Durable delivery into Maildirs. `deliver` alone decides who makes a message durable: the process that stores
small messages (`writer`), where there is one, or a thread of this process (`commit`).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from receiver.storage import leftovers
from receiver.storage.commit import Commit
from receiver.storage.folders import Folders, first_folder
from receiver.storage.group import Failures, Group
from receiver.storage.incoming import Incoming
from receiver.storage.record import Copy
from receiver.storage.recovery import recover
from receiver.storage.wal import Log
from receiver.storage.writer import Writer

_FREE_FOR = 1.0  # seconds that a look at the free space is good for
_SYNCS = 8  # of files and folders, at once

T = TypeVar("T")


class Store:
    """All mailboxes of `folders`. `hostname` goes into file names.

    A store without a writer makes small messages durable itself: in `log`, where there is one.
    """

    def __init__(
        self,
        folders: Folders,
        hostname: str,
        *,
        writer: Writer | None = None,
        log: Log | None = None,
        threads: int = 16,
    ) -> None:
        self.folders = folders
        self._writer, self._log = writer, log
        self._hostname = hostname.replace("/", "\\057").replace(":", "\\072")
        self._threads = ThreadPoolExecutor(threads, "disk")
        self._syncs = ThreadPoolExecutor(_SYNCS, "sync")
        self._small = Commit(self._threads, self._make_durable)
        self._large = Commit(self._threads, self._make_durable)
        self._process = os.getpid()
        self._counter = itertools.count(1)
        self._looked, self._free = -_FREE_FOR, 0

    def identity(self) -> str:
        """A name that no other message has, on any worker, before or after any reboot."""
        microseconds = time.time_ns() // 1000 % 1_000_000
        return f"M{microseconds:06d}P{self._process}Q{next(self._counter)}R{self.folders.token}"

    def incoming(self, identity: str, copies: Sequence[Copy]) -> Incoming:
        """A message that begins; nothing is on disk yet. The mailboxes of `copies` differ."""
        return Incoming(self.folders, f"{int(time.time())}.{identity}.{self._hostname}", copies)

    async def write(self, message: Incoming, content: bytes) -> None:
        """Add content. Raises OSError; the message can then only be abandoned."""
        if message.gather(content):
            await self._run(message.spill)

    async def deliver(self, message: Incoming) -> None:
        """Return when every mailbox has its copy in new/, on stable storage.

        Raises OSError, with nothing left in any new/.
        """
        if not message.is_small:
            await self._run(message.stage)  # nobody else shall wait for its content
            await self._large.deliver(message)
        elif self._writer is None or self._writer.lost:
            await self._small.deliver(message)
        else:
            await self._writer.deliver(message.name, message.copies, message.pieces)

    async def abandon(self, message: Incoming) -> None:
        """Leave nothing of a message that will not be delivered."""
        if message.has_files:
            await self._run(message.undo)
        message.pieces.clear()

    async def has_room(self, size: int) -> bool:
        """Whether a message of so many octets would fit on the disk as it was a moment ago."""
        now = time.monotonic()
        if now - self._looked > _FREE_FOR:
            self._looked, self._free = now, await self._run(self._free_space)
        return size <= self._free

    async def recover(self) -> int:
        """Make the mail that a crash left in a log; the number of files that had to be made."""
        return await self._run(lambda: recover(self.folders))

    async def sweep(self) -> int:
        """Remove from every tmp/ what no living delivery can own any more; the number removed."""
        await self._run(self.folders.settle)
        return await self._run(lambda: leftovers.sweep(self.folders.mail))

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._threads.shutdown(wait=True)
        self._syncs.shutdown(wait=True)
        if self._log:
            self._log.close()
            self._log = None
        self.folders.release()

    def _make_durable(self, messages: Sequence[Incoming]) -> Failures:
        return Group(self.folders, self._log, self._syncs, messages).commit()

    def _free_space(self) -> int:
        try:
            disk = os.statvfs(first_folder(self.folders.mail))
        except OSError:
            return sys.maxsize  # what is wrong will show when the message is written
        return disk.f_bavail * disk.f_frsize

    async def _run(self, work: Callable[[], T]) -> T:
        """Do blocking work on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
