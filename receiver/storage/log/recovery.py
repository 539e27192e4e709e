"""Recovery at the start: making the files of messages that a crash left only in the write-ahead log.

Each message in a segment that was not emptied gets its files back. Files that are complete in new/, or in
cur/ after a user has read them, are left alone. A message that a user has read and removed in the seconds
before the crash comes back. No message is lost. The links of hooks come last (`links`), so a queue that
cannot be written keeps no message from its mailbox.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from receiver.hook_queue import FILE_MODE
from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.log.links import recover_links
from receiver.storage.log.record import Copy, Record
from receiver.storage.log.segment import Segment
from receiver.storage.log.wal import FOLDER
from receiver.system.journal import log


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
    in_cur: dict[Mailbox, dict[str, Path]] = {}
    for record in segment.records():
        found = True
        for copy in record.copies:
            folders.prepare_maildir(copy.mailbox)
            if copy.mailbox not in in_cur:
                in_cur[copy.mailbox] = _files_in_cur(folders, copy.mailbox)
            made += _make_file(folders, segment, record, copy, in_cur[copy.mailbox])
    if any(map(folders.queues, in_cur)):
        for record in segment.records():
            for copy in record.copies:
                folders.prepare_queues(copy.mailbox)
                new = Path(folders.folder(copy.mailbox), "new", record.name)
                files = (in_cur[copy.mailbox].get(record.name, new), new)
                made += recover_links(folders, segment, record, copy, files)
    if found:
        segment.sync_devices()
        segment.empty()
    return made


def _files_in_cur(folders: Folders, mailbox: Mailbox) -> dict[str, Path]:
    """The files in cur/ by the names that they had in new/, without the flags (maildir(5))."""
    return {path.name.partition(":2,")[0]: path for path in Path(folders.folder(mailbox), "cur").iterdir()}


def _make_file(
    folders: Folders, segment: Segment, record: Record, copy: Copy, in_cur: dict[str, Path]
) -> bool:
    """Make the file of one copy. False if a complete file is there."""
    folder = Path(folders.folder(copy.mailbox))
    segment.note_device((folder / "new").stat().st_dev, str(folder / "new"))
    path = in_cur.get(record.name) or folder / "new" / record.name
    octets = copy.fields + record.content
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == octets:
            return False
    in_tmp = str(folder / "tmp" / record.name)
    # What a killed process left there may have a link already, and its hook may be reading it.
    with contextlib.suppress(FileNotFoundError):
        folders.disk.unlink(in_tmp)
    fd = folders.disk.open(in_tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if folders.queues(copy.mailbox):
            folders.disk.fchmod(fd, FILE_MODE)
        folders.write(fd, octets)
    finally:
        folders.disk.close(fd)
    folders.disk.rename(in_tmp, str(path))
    return True
