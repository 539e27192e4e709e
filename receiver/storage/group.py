"""Making a group of messages durable, step by step. A failure of one message fails that message alone.

Small messages go through the write-ahead log (`wal`). Their content is written into tmp/ and their records
into the log, the log is synced once, and the files are linked into the queues of hooks and of the bucket, and
renamed to new/.

Large messages, and those that the log cannot take, go without it. Their content is written out, the files are
linked and renamed, and then everything is synced at once: with one syncfs(2), or with an fsync(2) for each
file and folder. A file system that may keep a rename and lose the content has its files synced before they
are renamed (`disk.keeps_order`).

A message may be answered only after the last step.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

from receiver.storage.folders import Folders
from receiver.storage.incoming import Incoming
from receiver.storage.log.record import Record
from receiver.storage.log.wal import Entry, Log

MAX_MESSAGES = 100  # of one group
SLOW_SYNC = 0.003  # seconds of a sync after which another one may begin meanwhile
FILE_SYNCS = 8  # syncs of files and folders that run at once
_FEW_FILES = 4  # Up to this many files are synced one by one, because syncfs waits for other programs, too.

Failures = dict[Incoming, OSError]
SyncJob = tuple[Sequence[Incoming], Callable[[], None]]  # the messages it concerns, and the sync


class Group:
    """A group of messages. `commit` does all steps.

    The steps are `stage`, `append`, a sync of `entry`, `finish` and `end`; `abandon` ends the group before
    `finish`. The threads of `syncs` do several syncs at a time. `records` are the records of the messages, if
    the caller has them.
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
        self.failures: Failures = {}  # the messages that could not be made durable, with the errors
        self.entry: Entry | None = None  # the group's entry in the log
        self._logged: list[Incoming] = []  # the messages of the entry, in order
        self._folders, self._log, self._syncs = folders, log, syncs
        self._records: dict[Incoming, Record] = {}  # the records to append to the log
        if log and all(each.is_small for each in messages):
            records = records or [each.to_record() for each in messages]
            self._records = dict(zip(messages, records, strict=True))

    def commit(self) -> Failures:
        """Do all steps, and return the messages that could not be made durable, with the errors."""
        self.stage()
        self.finish(self.append() and self.entry is not None and self.entry.sync())
        self.end()
        return self.failures

    def stage(self) -> None:
        """Write all content into tmp/."""
        self._do_step(self.messages, Incoming.stage)

    def append(self) -> bool:
        """Append the messages to the log, without a sync. False if there is no log or it cannot take them."""
        group = self._good(self.messages)
        records, self._records = [self._records[each] for each in group if self._records], {}
        if self._log is None or not records:
            return False
        opened = {folder: fd for each in group for folder, fd in each.opened.items()}
        devices = {os.fstat(fd).st_dev: folder for folder, fd in opened.items()}
        self.entry = self._log.append(records, devices)
        if self.entry is None:
            return False
        self._logged = group
        return True

    def finish(self, synced: bool) -> None:
        """Make the messages durable in new/. `synced` says whether the log has them and was synced.

        Afterwards `failures` is complete, and nothing is left of the messages in it.
        """
        try:
            if synced:
                self._do_step(self._logged, Incoming.place)
            else:
                self._place_and_sync()
            self._put_tombstones()
        except BaseException as error:
            self._fail(f"{type(error).__name__}: {error}")
            self.end()
            raise
        finally:
            self._undo()

    def end(self) -> None:
        """Close the files and release the log's entry. The replies need not wait for this."""
        for message in self.messages:
            message.close()
        if self.entry:
            self.entry.release()

    def abandon(self) -> None:
        """Give the group up, and leave nothing of its messages."""
        self._fail("abandoned")
        self._put_tombstones()
        self._undo()
        self.end()

    def _undo(self) -> None:
        for message in self.failures:
            message.undo()

    def _put_tombstones(self) -> None:
        """Put a tombstone on the record of each failed message, so that no recovery delivers it."""
        for index, message in enumerate(self._logged):
            if message in self.failures and self.entry:
                self.entry.put_tombstone(index)

    def _fail(self, reason: str) -> None:
        self.failures |= dict.fromkeys(self.messages, OSError(errno.EIO, reason))

    def _place_and_sync(self) -> None:
        """Link and rename the files and sync everything, without the log."""
        ordered = [each for each in self._good(self.messages) if self._keeps_order(each)]
        others = [each for each in self._good(self.messages) if each not in ordered]
        self._do_step(ordered, Incoming.begin_writing_out)
        self._do_step(ordered, Incoming.write_out)
        self._run_together(self._file_syncs(others))
        self._do_step(self.messages, Incoming.place)
        self._sync(ordered, others)

    def _good(self, messages: Sequence[Incoming]) -> list[Incoming]:
        """The messages that have not failed."""
        return [each for each in messages if each not in self.failures]

    def _do_step(self, messages: Sequence[Incoming], step: Callable[[Incoming], None]) -> None:
        """Do one step for each message that has not failed."""
        for message in messages:
            if message not in self.failures:
                try:
                    step(message)
                except OSError as error:
                    self.failures[message] = error

    def _keeps_order(self, message: Incoming) -> bool:
        return message.all_open and all(self._folders.keeps_order(each) for each in message.devices)

    def _sync(self, ordered: Sequence[Incoming], others: Sequence[Incoming]) -> None:
        """Sync the renamed files and their folders. The files of `others` have been synced already."""
        ordered = self._good(ordered)
        if sum(len(each.files) for each in ordered) > _FEW_FILES and self._sync_file_systems(ordered):
            ordered = []
        placed = self._good([*ordered, *others])
        self._run_together([*self._file_syncs(ordered), *self._folder_syncs(placed)])

    def _sync_file_systems(self, messages: Sequence[Incoming]) -> bool:
        """Sync the file systems. If this fails, each file must be synced, to find the one that fails."""
        files = {device: fd for each in messages for device, fd in each.devices.items()}
        try:
            for fd in files.values():
                self._folders.disk.syncfs(fd)
        except OSError:
            return False
        return True

    def _file_syncs(self, messages: Sequence[Incoming]) -> list[SyncJob]:
        return [((each,), partial(self._folders.disk.fsync, fd)) for each in messages for fd in each.files]

    def _folder_syncs(self, messages: Sequence[Incoming]) -> list[SyncJob]:
        concerned: dict[str, list[Incoming]] = {}
        for message in messages:
            for folder in message.folders:
                concerned.setdefault(folder, []).append(message)
        return [(those, partial(self._folders.sync_folder, folder)) for folder, those in concerned.items()]

    def _run_together(self, jobs: Sequence[SyncJob]) -> None:
        """Run the syncs at once. Syncs that wait for the same commit of the journal then wait together."""
        pending = [self._syncs.submit(_error_of, work) for _, work in jobs[1:]]
        outcomes = [_error_of(work) for _, work in jobs[:1]] + [each.result() for each in pending]
        for (concerned, _), error in zip(jobs, outcomes, strict=True):
            if error:
                self.failures.update(dict.fromkeys(concerned, error))


def _error_of(work: Callable[[], None]) -> OSError | None:
    """Do work, and return the error with which it failed."""
    try:
        work()
    except OSError as error:
        return error
    return None
