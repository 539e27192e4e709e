"""Finding the messages that arrive in mailboxes, for `letterbox wait` and `letterbox follow`.

The commands check the modification times of the folders ten times a second. They read the names in a folder
only when it has changed. The receiver does nothing for them.

An arrival is a message that the receiver stored, and each identity arrives once in a mailbox. So nothing that
a mail client moves, copies, marks or appends is one. But a client may move a message before we see it. It is
then found where it is, by the identity in it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from receiver import maildir
from receiver.reading import renamed, selection, stored
from receiver.reading.stored import Maildir, Stored

_TICK = 1_000_000_000  # ns; two changes of a folder within this time may have the same st_mtime
_LONGEST_PLACING = 60.0  # seconds from the last write to a message to its place in new/


class Arrivals:
    """Finds new messages in mailboxes. `boxes` returns the mailboxes that exist at the moment."""

    def __init__(self, boxes: Callable[[], list[Maildir]]) -> None:
        self._boxes = boxes
        self._seen: set[str] = set()  # the mailbox with the identity, or with the path of a renamed file
        self._changed: dict[str, int] = {}
        self._folders: dict[str, list[Maildir]] = {}
        self._oldest = time.time() - _LONGEST_PLACING  # what was written before had its place before
        self.look()

    def look(self) -> list[Stored]:
        """The messages that arrived since the last call, the oldest first. Raises OSError."""
        found: list[Stored] = []
        for box in self._boxes():
            for folder in self._in(box):
                if self._have_changed([f"{folder.path}/{part}" for part in maildir.PARTS]):
                    found += self._arrived(box, folder)
        return sorted(found, key=lambda each: (each.arrived, each.name))

    def _in(self, box: Maildir) -> list[Maildir]:
        """The mailbox and its folders, which are looked for only after a change."""
        known = self._folders.get(box.path, [box])
        if self._have_changed([each.path for each in known]):
            known = self._folders[box.path] = stored.folders(box)
        return known

    def _arrived(self, box: Maildir, folder: Maildir) -> Iterator[Stored]:
        for path, names in stored.names(folder):
            for name in names:
                message = Stored(folder, maildir.plain_name(name), f"{path}/{name}")
                identity = maildir.identity(name) or self._identity_of_renamed(message)
                key = f"{box.path}/{identity}"
                if identity and key not in self._seen:
                    self._seen.add(key)
                    if selection.is_message(message):
                        yield message

    def _identity_of_renamed(self, message: Stored) -> str:
        """The identity of a message that another program named; empty if it is old, or was seen here."""
        key = f"{message.maildir.path}/{message.name}"
        if key in self._seen:
            return ""
        self._seen.add(key)
        try:
            is_old = selection.is_message(message) and os.lstat(message.path).st_mtime < self._oldest
        except FileNotFoundError:
            return ""
        return "" if is_old else renamed.received_identity(message)

    def _have_changed(self, folders: Iterable[str]) -> bool:
        return True in [self._has_changed(each) for each in folders]  # All are asked.

    def _has_changed(self, folder: str) -> bool:
        try:
            then = Path(folder).stat().st_mtime_ns
        except OSError:
            return False
        if self._changed.get(folder) == then:
            return False
        # A folder that changed just now may change again without a new st_mtime.
        self._changed[folder] = then if time.time_ns() - then > _TICK else -1
        return True
