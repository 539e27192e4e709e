"""Recovery at the start: making the files of messages that a crash left only in the write-ahead log.

Each message in a segment that was not emptied gets its files back. Files that are complete are left alone,
also if a user has read, moved or copied them since (`present`). A message that a user has removed in the
seconds before the crash comes back. No message is lost. The links of hooks and of the bucket come last
(`links`), so a queue that cannot be written keeps no message from its mailbox.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from receiver import maildir
from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.log.links import Links
from receiver.storage.log.present import Present
from receiver.storage.log.record import Copy, Record
from receiver.storage.log.segment import Segment
from receiver.storage.log.wal import FOLDER
from receiver.system.journal import log

_LONGEST_LOOK = 5.0  # seconds for files that are missing, as long as a mail client moves others meanwhile
_PAUSE = 0.02  # seconds between two looks


def recover(folders: Folders) -> int:
    """Make the missing files and links of all messages in the log. Returns the number of both.

    Skips segments that a living process uses. A segment that cannot be recovered now stays for the next
    start.
    """
    made = 0
    for path in sorted(_segments(folders.mail / FOLDER)):
        try:
            segment = Segment(folders.disk, str(path))
        except BlockingIOError:
            continue  # A living process uses it.
        except OSError as error:
            log("error", log=path, error=error)
            continue
        try:
            made += _recover_segment(folders, segment)
        except OSError as error:
            log("error", log=path, error=error, note="its mail is not recovered yet")
        finally:
            segment.close()
    return made


def _segments(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []


def _recover_segment(folders: Folders, segment: Segment) -> int:
    made, found = 0, False
    present: dict[Mailbox, Present] = {}
    missing: set[tuple[Mailbox, str]] = set()
    for record in segment.records():
        found = True
        for copy in record.copies:
            folders.prepare_maildir(copy.mailbox)
            box = present.setdefault(copy.mailbox, Present(folders.folder(copy.mailbox)))
            if not _is_there(segment, record, copy, box):
                missing.add((copy.mailbox, record.name))
    late = time.monotonic() + _LONGEST_LOOK
    while again := {mailbox for mailbox, _ in missing if present[mailbox].changed}:
        if time.monotonic() > late:
            break
        time.sleep(_PAUSE)
        present |= {mailbox: Present(folders.folder(mailbox)) for mailbox in again}
        for record, copy in _copies(segment, missing):
            if copy.mailbox in again and _is_there(segment, record, copy, present[copy.mailbox]):
                missing.remove((copy.mailbox, record.name))
    for record, copy in _copies(segment, missing):
        _make_file(folders, record, copy, present[copy.mailbox].place(record.name))
        made += 1
    if any(map(folders.queues, present)):
        links = Links(folders, segment)
        for record in segment.records():
            for copy in record.copies:
                links.recover(record, copy, present[copy.mailbox])
        made += links.made
        if links.error:
            raise links.error
    if found:
        segment.sync_devices()
        segment.empty()
    return made


def _copies(segment: Segment, wanted: set[tuple[Mailbox, str]]) -> Iterator[tuple[Record, Copy]]:
    """The copies in the segment that are wanted, by their mailbox and the name of their file."""
    for record in segment.records() if wanted else ():
        for copy in record.copies:
            if (copy.mailbox, record.name) in wanted:
                yield record, copy


def _is_there(segment: Segment, record: Record, copy: Copy, box: Present) -> bool:
    """Whether the mailbox has a complete file of the copy.

    Notes the device on which the file is, or is going to be, so that it is synced.
    """
    found = box.find(record.name, copy.fields + record.content)
    folder = (found or box.place(record.name)).parent
    segment.note_device(folder.stat().st_dev, str(folder))
    return found is not None


def _make_file(folders: Folders, record: Record, copy: Copy, path: Path) -> None:
    in_tmp = str(Path(folders.folder(copy.mailbox), "tmp", record.name))
    # What a killed process left there may have a link already, and its hook may be reading it.
    with contextlib.suppress(FileNotFoundError):
        folders.disk.unlink(in_tmp)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    fd = folders.disk.open(in_tmp, flags, maildir.FILE_MODE)
    try:
        folders.set_mode(fd, copy.mailbox)
        folders.write(fd, copy.fields + record.content)
    finally:
        folders.disk.close(fd)
    folders.disk.rename(in_tmp, str(path))
