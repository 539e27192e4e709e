"""Whether there is room for a message: in its mailbox, if that has a quota, and on the disk."""

from __future__ import annotations

import os
from collections import defaultdict

from receiver.cli import terminal
from receiver.config.values import Config
from receiver.keeping.usage import Counter
from receiver.mailbox import Mailbox

_SPARE = 1_048_576  # octets that are left free, so that names and the journal can be written


class Room:
    """The room of one mail folder. `begin` starts a run, in which each mailbox is counted once."""

    def __init__(self, config: Config) -> None:
        self._mail, self._quota = config.mail, config.quota
        self._counter = Counter(config.mail)
        self._used: dict[Mailbox, int] = {}
        self._coming: dict[Mailbox, int] = defaultdict(int)

    def begin(self) -> None:
        self._used.clear()
        self._coming.clear()

    def take(self, mailbox: Mailbox, size: int) -> str:
        """Take room for a message. Returns why there is none, or nothing. Raises OSError."""
        limit = self._quota.get(mailbox)
        if limit is not None:
            if mailbox not in self._used:
                self._used[mailbox] = self._counter.octets(mailbox)
            if self._used[mailbox] + self._coming[mailbox] + size > limit:
                return f"{mailbox}: is full: its quota is {terminal.size(limit)}: remove mail, or raise it"
        try:
            disk = os.statvfs(self._mail)
        except OSError:
            return ""  # The fault shows when the message is written.
        if size + _SPARE > disk.f_bavail * disk.f_frsize:
            return f"{self._mail}: the disk is full: free some space"
        self._coming[mailbox] += size
        return ""
