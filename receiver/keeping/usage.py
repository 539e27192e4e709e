"""How many octets of mail a mailbox holds: the sizes of the files in new/, cur/ and its subfolders.

A file that has several hard links in the mailbox counts once, because clients copy messages so. tmp/ does not
count. A file of a message never changes, so a mailbox is counted again only if one of its folders has
changed.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

from receiver.keeping import tree
from receiver.mailbox import Mailbox

_BATCH = 256  # files after which a pause is made
_PAUSE = 0.002  # seconds, in which other threads run undisturbed
_SETTLED = 2_000_000_000  # ns; file systems note times as coarsely as this

Folders = tuple[tuple[str, int, int], ...]
"""The path, inode and time of modification in ns of each folder."""


class Stopped(Exception):
    """The count was stopped."""


class Counter:
    """Counts mailboxes, one at a time. Methods block. `stop` may be called by any thread."""

    def __init__(self, mail: Path) -> None:
        self._mail = mail
        self._stopping = threading.Event()
        self._known: dict[Mailbox, tuple[Folders, int]] = {}

    def stop(self) -> None:
        """Let a count that is under way end with Stopped."""
        self._stopping.set()

    def octets(self, mailbox: Mailbox) -> int:
        """The octets of a mailbox; 0 if it has no folder yet. Raises OSError, or Stopped."""
        now = time.time_ns()
        folders = self._folders(mailbox)
        known = self._known.get(mailbox)
        if known and known[0] == folders:
            return known[1]
        octets = self._count(mailbox)
        self._known.pop(mailbox, None)
        if all(changed < now - _SETTLED for _, _, changed in folders):
            self._known[mailbox] = folders, octets
        return octets

    def _folders(self, mailbox: Mailbox) -> Folders:
        found = []
        for path, folder in tree.folders(self._mail, mailbox):
            state = os.fstat(folder)
            found.append((path, state.st_ino, state.st_mtime_ns))
        return tuple(found)

    def _count(self, mailbox: Mailbox) -> int:
        octets, files = 0, 0
        linked: set[tuple[int, int]] = set()  # the inodes with several links that were counted
        for _, folder in tree.folders(self._mail, mailbox):
            with os.scandir(folder) as entries:
                for entry in entries:
                    files += 1
                    if files % _BATCH == 0 and self._stopping.wait(_PAUSE):
                        raise Stopped
                    try:
                        state = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # It was renamed or removed meanwhile.
                    if not stat.S_ISREG(state.st_mode):
                        continue
                    if state.st_nlink > 1:
                        if (state.st_dev, state.st_ino) in linked:
                            continue
                        linked.add((state.st_dev, state.st_ino))
                    octets += state.st_size
        return octets
