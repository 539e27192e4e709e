"""Messages that are made durable together, step by step. What fails for one of them fails that one alone.

Small ones go through the write-ahead log (`wal`): their content into tmp/, their records into the log; one
sync of the log; then to new/. Of large ones, and of those that the log cannot take, all content is written
out; then all files get their names; then everything is synced, by one syncfs(2) or by one fsync(2) a file and
a folder, all at once. A file system that may keep a rename and lose the content before it has its files
synced before they are named (`disk.keeps_order`). Only after the last step may a message be answered.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

from receiver.storage.folders import Folders
from receiver.storage.incoming import Incoming
from receiver.storage.record import Record
from receiver.storage.wal import Entry, Log

_FEW = 4  # files up to which each is synced by itself: syncfs would wait for what others wrote, too

Failures = dict[Incoming, OSError]
Job = tuple[Sequence[Incoming], Callable[[], None]]  # whom its failure concerns, and the work


class Group:
    """All at once: `commit`. Or `stage`, `append`, a sync of `entry`, `finish` and `end`; or `abandon`.

    Several syncs are made at a time, on the threads of `syncs`. `records` are those of the messages, where
    they are known already.
    """

    def __init__(
        self,
        folders: Folders,
        log: Log | None,
        syncs: Executor,
        messages: Sequence[Incoming],
        records: Sequence[Record] = (),
    ) -> None:
        self.messages = messages
        self.failures: Failures = {}  # those that could not be made durable, and why
        self.entry: Entry | None = None  # in the log
        self._logged: list[Incoming] = []  # what that has, in order
        self._folders, self._log, self._syncs = folders, log, syncs
        self._records: dict[Incoming, Record] = {}  # for the log, until they are in it
        if log and all(each.is_small for each in messages):
            records = records or [each.to_record() for each in messages]
            self._records = dict(zip(messages, records, strict=True))

    def commit(self) -> Failures:
        self.stage()
        self.finish(self.append() and self.entry is not None and self.entry.sync())
        self.end()
        return self.failures

    def stage(self) -> None:
        """Write all content into tmp/."""
        self._each(self.messages, Incoming.stage)

    def append(self) -> bool:
        """Write the messages into the log, not synced yet; False where no log takes them."""
        group = self._good(self.messages)
        records, self._records = [self._records[each] for each in group if self._records], {}
        if self._log is None or not records:
            return False
        opened = {folder: fd for each in group for folder, fd in each.opened.items()}
        homes = {os.fstat(fd).st_dev: folder for folder, fd in opened.items()}
        self.entry = self._log.append(records, homes)
        if self.entry is None:
            return False
        self._logged = group
        return True

    def finish(self, synced: bool) -> None:
        """Move all to new/, durably, whether or not they are in a log that was synced.

        `failures` is complete then, and nothing is left of them.
        """
        try:
            if synced:
                self._each(self._logged, Incoming.place)
            else:
                self._place_and_sync()
            self._withdraw()
        except BaseException as error:
            self._fail(f"{type(error).__name__}: {error}")
            self.end()
            raise
        finally:
            self._undo()

    def end(self) -> None:
        """Let go of the files, and of the log: nobody has to wait for this."""
        for message in self.messages:
            message.close()
        if self.entry:
            self.entry.release()

    def abandon(self) -> None:
        """Leave nothing of it."""
        self._fail("abandoned")
        self._withdraw()
        self._undo()
        self.end()

    def _undo(self) -> None:
        for message in self.failures:
            message.undo()

    def _withdraw(self) -> None:
        """Put a tombstone on each record of what failed: it is not to become mail after a crash."""
        for at, message in enumerate(self._logged):
            if message in self.failures and self.entry:
                self.entry.withdraw(at)

    def _fail(self, reason: str) -> None:
        self.failures |= dict.fromkeys(self.messages, OSError(errno.EIO, reason))

    def _place_and_sync(self) -> None:
        """Move all to new/, and everything onto stable storage, without the log."""
        ordered = [each for each in self._good(self.messages) if self._keeps_order(each)]
        others = [each for each in self._good(self.messages) if each not in ordered]
        self._each(ordered, Incoming.begin_writing_out)
        self._each(ordered, Incoming.write_out)
        self._together(self._file_syncs(others))
        self._each(self.messages, Incoming.place)
        self._sync(ordered, others)

    def _good(self, messages: Sequence[Incoming]) -> list[Incoming]:
        return [each for each in messages if each not in self.failures]

    def _each(self, messages: Sequence[Incoming], step: Callable[[Incoming], None]) -> None:
        """Take one step for each message that has not failed yet."""
        for message in messages:
            if message not in self.failures:
                try:
                    step(message)
                except OSError as error:
                    self.failures[message] = error

    def _keeps_order(self, message: Incoming) -> bool:
        return message.all_open and all(self._folders.keeps_order(each) for each in message.devices)

    def _sync(self, ordered: Sequence[Incoming], others: Sequence[Incoming]) -> None:
        """Sync all that has been placed: of `ordered` nothing is synced yet, of `others` the files are."""
        ordered = self._good(ordered)
        if sum(len(each.files) for each in ordered) > _FEW and self._sync_file_systems(ordered):
            ordered = []
        placed = self._good([*ordered, *others])
        self._together([*self._file_syncs(ordered), *self._folder_syncs(placed)])

    def _sync_file_systems(self, messages: Sequence[Incoming]) -> bool:
        """False where one of them failed; which message that concerns is then asked file by file."""
        files = {device: fd for each in messages for device, fd in each.devices.items()}
        try:
            for fd in files.values():
                self._folders.disk.syncfs(fd)
        except OSError:
            return False
        return True

    def _file_syncs(self, messages: Sequence[Incoming]) -> list[Job]:
        return [((each,), partial(self._folders.disk.fsync, fd)) for each in messages for fd in each.files]

    def _folder_syncs(self, messages: Sequence[Incoming]) -> list[Job]:
        concerned: dict[str, list[Incoming]] = {}
        for message in messages:
            for folder in message.folders:
                concerned.setdefault(folder, []).append(message)
        return [(those, partial(self._folders.sync_folder, folder)) for folder, those in concerned.items()]

    def _together(self, jobs: Sequence[Job]) -> None:
        """Do all at once: syncs that wait for the same journal wait for it together."""
        pending = [self._syncs.submit(_failure, work) for _, work in jobs[1:]]
        outcomes = [_failure(work) for _, work in jobs[:1]] + [each.result() for each in pending]
        for (concerned, _), error in zip(jobs, outcomes, strict=True):
            if error:
                self.failures.update(dict.fromkeys(concerned, error))


def _failure(work: Callable[[], None]) -> OSError | None:
    try:
        work()
    except OSError as error:
        return error
    return None
