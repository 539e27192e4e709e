"""At the start: the mail that a crash left in the segments of the write-ahead log.

Every message in a segment that was not emptied gets its files back; those that are whole in their Maildir, in
new/ or by now in cur/, are left alone. A message that was read and removed in the seconds before the crash
comes back; none is lost.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.record import Copy, Record
from receiver.storage.segment import Segment
from receiver.storage.wal import FOLDER
from receiver.system.journal import log


def recover(folders: Folders) -> int:
    """Give every message in the segments of the dead its files; how many had to be made.

    What cannot be recovered now stays for the next time.
    """
    made = 0
    for path in sorted(_segments(folders.mail / FOLDER)):
        try:
            segment = Segment(folders.disk, str(path))
        except BlockingIOError:
            continue  # it is in use
        except OSError as error:
            log("error", log=path, error=error)
            continue
        try:
            made += _recover(folders, segment)
        except OSError as error:
            log("error", log=path, error=error, note="its mail is not recovered yet")
        finally:
            segment.close()
    return made


def _segments(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []


def _recover(folders: Folders, segment: Segment) -> int:
    made, found = 0, False
    read: dict[Mailbox, dict[str, Path]] = {}
    for record in segment.records():
        found = True
        for copy in record.copies:
            folders.prepare(copy.mailbox)
            if copy.mailbox not in read:
                read[copy.mailbox] = _in_cur(folders, copy.mailbox)
            made += _make(folders, segment, record, copy, read[copy.mailbox])
    if found:
        segment.sync_devices()
        segment.empty()
    return made


def _in_cur(folders: Folders, mailbox: Mailbox) -> dict[str, Path]:
    """What somebody has looked at, by the names that the files had in new/ (maildir(5): flags were added)."""
    return {path.name.partition(":2,")[0]: path for path in Path(folders.folder(mailbox), "cur").iterdir()}


def _make(folders: Folders, segment: Segment, record: Record, copy: Copy, in_cur: dict[str, Path]) -> bool:
    """One mailbox's file of a message; False where it is there, whole."""
    folder = Path(folders.folder(copy.mailbox))
    segment.note_device((folder / "new").stat().st_dev, str(folder / "new"))
    path = in_cur.get(record.name) or folder / "new" / record.name
    octets = copy.fields + record.content
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == octets:
            return False
    waiting = str(folder / "tmp" / record.name)
    fd = folders.disk.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        folders.write(fd, octets)
    finally:
        folders.disk.close(fd)
    folders.disk.rename(waiting, str(path))
    return True
