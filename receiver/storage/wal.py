"""The write-ahead log: what makes a group of messages durable with one sync, before the file system has.

A message whose record is in a synced segment survives a crash: its Maildir files are made from the record if
they are not there, whole, afterwards (`recovery`). Two segments take turns. When one is full, or has nothing
more to take for a moment, what its messages made in the file systems is synced in the background; then, and
only then, it is emptied (a checkpoint), and made larger if it was too small. A message that the log cannot
take, as both segments are full or after an error, is made durable in the Maildir itself, as without a log.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from receiver.journal import log
from receiver.storage.record import Record
from receiver.storage.segment import Segment

_IDLE = 0.5  # seconds without a message after which the segment in use is emptied
_OLDEST = 5.0  # seconds after which it is emptied although messages come


@dataclass(frozen=True, slots=True)
class Entry:
    """A group in the log: where each of its records begins. To be released when its files are in place."""

    log: Log
    segment: Segment
    begins: Sequence[int]

    def sync(self) -> bool:
        """On stable storage, with all that was appended to this segment before; False: it cannot be."""
        return self.log.sync(self.segment)

    def withdraw(self, at: int) -> None:
        """The message with that number in the group is refused after all."""
        with contextlib.suppress(OSError):  # then it is there after a crash, and once more from its sender
            self.segment.withdraw(self.begins[at])

    def release(self) -> None:
        self.log.release(self.segment)


class Log:
    """Takes turns with its segments. For any thread."""

    def __init__(self, segments: Sequence[Segment], largest: int, another: Callable[[], Segment]) -> None:
        """`another` opens a segment in place of one whose file was removed. It may raise OSError."""
        self._largest = largest  # octets to which a segment grows
        self._another = another
        self._changed = threading.Condition()
        self._free = list(segments)  # empty
        self._active: Segment | None = None
        self._full: list[Segment] = []  # to be emptied
        self._kept: list[Segment] = []  # could not be emptied: for the next start
        self._last = 0.0  # when something was written last
        self._ended = False
        self._thread = threading.Thread(target=self._checkpoints, name="checkpoint", daemon=True)
        self._thread.start()

    def append(self, group: Sequence[Record], devices: Mapping[int, str]) -> Entry | None:
        """Write a group behind the last one, not synced yet; None: the log does not take it.

        `devices`: the file systems (st_dev) that the files are on, and a folder on each.
        """
        with self._changed:
            return self._append(group, devices)

    def sync(self, segment: Segment) -> bool:
        """All that was appended to it so far is on stable storage; False where it cannot be."""
        try:
            segment.sync()
        except OSError as error:
            with self._changed:
                self._give_up(segment, error)
            return False
        return True

    def release(self, segment: Segment) -> None:
        """The files of one of its groups are in their places."""
        with self._changed:
            segment.users -= 1
            if segment is not self._active:  # the thread may be waiting for its last user
                self._changed.notify()

    def close(self) -> None:
        """Empty what can be emptied, and let go of the segments."""
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
                    self._retire()  # the thread opens another one
                    continue
                self._active.began = time.monotonic()
            segment, fresh = self._active, self._active.is_empty
            try:
                for device, folder in devices.items():
                    segment.note_device(device, folder)
                begins = segment.append(group)
            except OSError as error:
                self._give_up(segment, error)
                return None
            if begins is not None:
                self._last = time.monotonic()
                segment.users += 1
                if fresh:
                    self._changed.notify()
                return Entry(self, segment, begins)
            if fresh:
                return None  # larger than a segment
            self._retire()

    def _give_up(self, segment: Segment, error: OSError) -> None:
        """Nothing more is written to it until it has been emptied."""
        log("error", log=segment.path, error=error)
        if segment is self._active:
            self._retire()

    def _retire(self) -> None:
        if self._active:
            self._full.append(self._active)
            self._active = None
            self._changed.notify()

    # The thread

    def _checkpoints(self) -> None:
        while segment := self._next():
            try:
                segment.sync_devices()
                short = segment.was_short
                segment.empty()
                segment.close_folders()
                if not segment.in_place():
                    segment = self._replaced(segment)
                elif short and segment.size < self._largest:
                    segment.allocate(min(2 * segment.size, self._largest))
            except OSError as error:
                log("error", log=segment.path, error=error)
                self._kept.append(segment)
            else:
                with self._changed:
                    self._free.append(segment)

    def _replaced(self, segment: Segment) -> Segment:
        """Another segment; or this one, to be replaced later, where there can be none now."""
        try:
            other = self._another()
        except OSError as error:
            log("error", log=segment.path, error=error, note="mail is synced file by file")
            return segment
        log("warning", log=other.path, problem="the write-ahead log was removed", note="it was made again")
        segment.close()
        return other

    def _next(self) -> Segment | None:
        """Wait for a segment that is to be emptied; None: there is none any more."""
        with self._changed:
            while True:
                due = self._seconds_left()
                if due is not None and due <= 0:
                    self._retire()
                ready = next((each for each in self._full if not each.users), None)
                if ready:
                    self._full.remove(ready)
                    return ready
                if self._ended and not self._full:
                    return None
                self._changed.wait(due if self._active else None)

    def _seconds_left(self) -> float | None:
        """Until the segment in use is due to be emptied; None where none is in use."""
        if self._active is None:
            return None
        if self._ended:
            return 0
        now = time.monotonic()
        idle = self._last + _IDLE - now
        # Without a segment to go on with, messages would have to be synced in the Maildir meanwhile.
        return min(idle, self._active.began + _OLDEST - now) if self._free else idle
