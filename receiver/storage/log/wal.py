"""The write-ahead log. One sync of the log makes a group of messages durable, before their Maildir files are.

A message whose record is in a synced segment survives a crash, because `recovery` makes its files from the
record. Two segments take turns. When one is full, or no message has come for a moment, a checkpoint in the
background syncs the Maildir files of its messages, and only then empties the segment. A segment that was too
small is made larger. If both are full, or after an error, the log takes no messages. They are then made
durable in the Maildirs, as without a log.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from receiver.storage.folders import Folders
from receiver.storage.log.record import Record
from receiver.storage.log.segment import Segment
from receiver.system.journal import log

FOLDER = ".wal"  # in the mail folder
_SEGMENTS = 2
_IDLE = 0.5  # seconds without a message after which the active segment is emptied
_OLDEST = 5.0  # seconds after its first record when it is emptied although messages come


@dataclass(frozen=True, slots=True)
class Entry:
    """A group in the log. Release it when the files of its messages are in new/."""

    log: Log
    segment: Segment
    begins: Sequence[int]  # where each record begins in the segment

    def sync(self) -> bool:
        """Make the group durable, with all that was appended to its segment before. False if that failed."""
        return self.log.sync(self.segment)

    def put_tombstone(self, index: int) -> None:
        """Mark the record of a message that was refused after all. `index` is its place in the group."""
        # On an error, a recovery may deliver this message, and its sender will send it once more.
        with contextlib.suppress(OSError):
            self.segment.put_tombstone(self.begins[index])

    def release(self) -> None:
        self.log.release(self.segment)


class Log:
    """A log that writes to its segments in turn. Any thread may call its methods.

    `largest` is the size in octets up to which a segment grows. `open_another` opens a segment in place of
    one whose file was removed. It may raise OSError.
    """

    def __init__(
        self, segments: Sequence[Segment], largest: int, open_another: Callable[[], Segment]
    ) -> None:
        self._largest = largest
        self._open_another = open_another
        self._changed = threading.Condition()
        self._free = list(segments)  # empty segments
        self._active: Segment | None = None  # the segment that groups are written to
        self._full: list[Segment] = []  # segments that must be emptied
        self._kept: list[Segment] = []  # segments that could not be emptied, for the next start
        self._last_written_at = 0.0
        self._ended = False
        self._thread = threading.Thread(target=self._checkpoints, name="checkpoint", daemon=True)
        self._thread.start()

    def append(self, group: Sequence[Record], devices: Mapping[int, str]) -> Entry | None:
        """Write a group after the last one, without a sync. None if the log does not take it.

        `devices` are the devices (st_dev) of the group's files, with a folder on each.
        """
        with self._changed:
            return self._append(group, devices)

    def sync(self, segment: Segment) -> bool:
        """Make durable all that was appended to the segment. False if that failed."""
        try:
            segment.sync()
        except OSError as error:
            with self._changed:
                self._give_up(segment, error)
            return False
        return True

    def release(self, segment: Segment) -> None:
        """The files of one group of the segment are in new/."""
        with self._changed:
            segment.users -= 1
            if segment is not self._active:  # The checkpoint may wait for its last user.
                self._changed.notify()

    def close(self) -> None:
        """Empty the segments, if that is possible, and close them."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        for segment in (*self._free, *self._kept):
            segment.close()

    def _append(self, group: Sequence[Record], devices: Mapping[int, str]) -> Entry | None:
        while True:
            if self._active is None:
                if not self._free or self._ended:
                    return None
                self._active = self._free.pop()
                if not self._active.in_place():
                    self._retire()  # The checkpoint opens another one.
                    continue
                self._active.first_written_at = time.monotonic()
            segment, fresh = self._active, self._active.is_empty
            try:
                for device, folder in devices.items():
                    segment.note_device(device, folder)
                begins = segment.append(group)
            except OSError as error:
                self._give_up(segment, error)
                return None
            if begins is not None:
                self._last_written_at = time.monotonic()
                segment.users += 1
                if fresh:
                    self._changed.notify()
                return Entry(self, segment, begins)
            if fresh:
                return None  # The group is larger than a segment.
            self._retire()

    def _give_up(self, segment: Segment, error: OSError) -> None:
        """Write nothing more to the segment until it has been emptied."""
        log("error", log=segment.path, error=error)
        if segment is self._active:
            self._retire()

    def _retire(self) -> None:
        if self._active:
            self._full.append(self._active)
            self._active = None
            self._changed.notify()

    def _checkpoints(self) -> None:
        """Empty segments until the log is closed. Runs on a thread of its own."""
        while segment := self._next_to_empty():
            try:
                segment.sync_devices()
                short = segment.was_short
                segment.empty()
                segment.close_folders()
                if not segment.in_place():
                    segment = self._replace(segment)
                elif short and segment.size < self._largest:
                    segment.allocate(min(2 * segment.size, self._largest))
            except OSError as error:
                log("error", log=segment.path, error=error)
                self._kept.append(segment)
            else:
                with self._changed:
                    self._free.append(segment)

    def _replace(self, segment: Segment) -> Segment:
        """Open another segment in place of one whose file is gone. On an error, keep it and try later."""
        try:
            other = self._open_another()
        except OSError as error:
            log("error", log=segment.path, error=error, note="mail is synced file by file")
            return segment
        log("warning", log=other.path, problem="the write-ahead log was removed", note="it was made again")
        segment.close()
        return other

    def _next_to_empty(self) -> Segment | None:
        """Wait for a segment that must be emptied. None when the log is closed and all are emptied."""
        with self._changed:
            while True:
                due = self._seconds_until_due()
                if due is not None and due <= 0:
                    self._retire()
                ready = next((each for each in self._full if not each.users), None)
                if ready:
                    self._full.remove(ready)
                    return ready
                if self._ended and not self._full:
                    return None
                self._changed.wait(due if self._active else None)

    def _seconds_until_due(self) -> float | None:
        """Seconds until the active segment must be emptied; None if no segment is active."""
        if self._active is None:
            return None
        if self._ended:
            return 0
        now = time.monotonic()
        idle = self._last_written_at + _IDLE - now
        # Without a free segment to go on with, messages would have to be synced in the Maildirs meanwhile.
        return min(idle, self._active.first_written_at + _OLDEST - now) if self._free else idle


def open_log(folders: Folders, *, smallest: int = 1 << 20, largest: int = 32 << 20) -> Log | None:
    """Open a log, after `recovery.recover`. None if the mail folder cannot have one.

    A segment has `smallest` octets at first and `largest` at most, but never over 1/32 of the free space.
    """
    folder = folders.mail / FOLDER
    segments: list[Segment] = []

    def open_another() -> Segment:
        folders.forget()
        folders.make_folder(folder)
        return _free_segment(folders, folder, smallest)

    try:
        folders.make_folder(folder)
        disk = os.statvfs(folder)
        largest = min(largest, disk.f_bavail * disk.f_frsize // 32)
        if largest < smallest:
            return None
        while len(segments) < _SEGMENTS:
            segments.append(_free_segment(folders, folder, smallest))
    except OSError as error:
        log("warning", problem=f"{folder}: {error.strerror}", note="mail is synced file by file")
        for segment in segments:
            segment.close()
        return None
    return Log(segments, largest, open_another)


def _free_segment(folders: Folders, folder: Path, size: int) -> Segment:
    """Open a segment that no process uses and that has no records. Raises OSError."""
    for number in itertools.count():
        with contextlib.suppress(BlockingIOError):
            segment = Segment(folders.disk, str(folder / str(number)))
            try:
                if not next(segment.records(), None):  # Records would wait for a recovery.
                    segment.allocate(size)
                    folders.sync_folder(str(folder))
                    return segment
            except BaseException:
                segment.close()
                raise
            segment.close()
    raise AssertionError("numbers have no end")
