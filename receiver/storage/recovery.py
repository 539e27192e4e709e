"""At the start: the segments of the write-ahead log, and the mail that a crash left in them.

Every message in a segment that was not emptied gets its files back; those that are whole in their Maildir, in
new/ or by now in cur/, are left alone. A message that was read and removed in the seconds before the crash
comes back; none is lost.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from receiver.journal import log
from receiver.recipients import Mailbox
from receiver.storage.record import Copy, Record
from receiver.storage.segment import Segment
from receiver.storage.wal import Log

if TYPE_CHECKING:
    from receiver.storage.maildir import Store

FOLDER = ".wal"  # of the mail folder
_SEGMENTS = 2


def open_log(store: Store, *, smallest: int, largest: int) -> Log | None:
    """A log with segments of so many octets at first and at most, after `recover`. None: there can be none.

    No segment is larger than a thirty-second part of the free space.
    """
    folder = store.mail / FOLDER
    segments: list[Segment] = []

    def another() -> Segment:
        store.forget()
        store.make_folder(folder)
        return _free_segment(store, folder, smallest)

    try:
        store.make_folder(folder)
        disk = os.statvfs(folder)
        largest = min(largest, disk.f_bavail * disk.f_frsize // 32)
        if largest < smallest:
            return None
        while len(segments) < _SEGMENTS:
            segments.append(_free_segment(store, folder, smallest))
    except OSError as error:
        log("warning", problem=f"{folder}: {error.strerror}", note="mail is synced file by file")
        for segment in segments:
            segment.close()
        return None
    return Log(segments, largest, another)


def _free_segment(store: Store, folder: Path, size: int) -> Segment:
    """A segment of that size that nobody uses and nothing is in. Raises OSError."""
    for number in itertools.count():
        with contextlib.suppress(BlockingIOError):
            segment = Segment(store.disk, str(folder / str(number)))
            try:
                if not next(segment.records(), None):  # else it could not be recovered
                    segment.allocate(size)
                    store.sync_folder(str(folder))
                    return segment
            except BaseException:
                segment.close()
                raise
            segment.close()
    raise AssertionError("numbers have no end")


def recover(store: Store) -> int:
    """Give every message in the segments of the dead its files; how many had to be made.

    What cannot be recovered now stays for the next time.
    """
    made = 0
    for path in sorted(_segments(store.mail / FOLDER)):
        try:
            segment = Segment(store.disk, str(path))
        except BlockingIOError:
            continue  # it is in use
        except OSError as error:
            log("error", log=path, error=error)
            continue
        try:
            made += _recover(store, segment)
        except OSError as error:
            log("error", log=path, error=error, note="its mail is not recovered yet")
        finally:
            segment.close()
    return made


def _segments(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []


def _recover(store: Store, segment: Segment) -> int:
    made, found = 0, False
    read: dict[Mailbox, dict[str, Path]] = {}
    for record in segment.records():
        found = True
        for copy in record.copies:
            store.prepare(copy.mailbox)
            if copy.mailbox not in read:
                read[copy.mailbox] = _in_cur(store, copy.mailbox)
            made += _make(store, segment, record, copy, read[copy.mailbox])
    if found:
        segment.sync_devices()
        segment.empty()
    return made


def _in_cur(store: Store, mailbox: Mailbox) -> dict[str, Path]:
    """What somebody has looked at, by the names that the files had in new/ (maildir(5): flags were added)."""
    return {path.name.partition(":2,")[0]: path for path in Path(store.folder(mailbox), "cur").iterdir()}


def _make(store: Store, segment: Segment, record: Record, copy: Copy, in_cur: dict[str, Path]) -> bool:
    """One mailbox's file of a message; False where it is there, whole."""
    folder = Path(store.folder(copy.mailbox))
    segment.note_device((folder / "new").stat().st_dev, str(folder / "new"))
    path = in_cur.get(record.name) or folder / "new" / record.name
    octets = copy.fields + record.content
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == octets:
            return False
    waiting = str(folder / "tmp" / record.name)
    fd = store.disk.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        store.write(fd, octets)
    finally:
        store.disk.close(fd)
    store.disk.rename(waiting, str(path))
    return True
