"""Which messages a mailbox has, by their content, so that none is imported twice.

The key of a message is the beginning of the SHA-256 of its octets. The name of a file that was imported has
it. Any other file, such as one that a mail client has moved to another folder and renamed, is read only if a
message of its size comes. So a second run finds each message, wherever it lies and whatever it is called.

Messages are counted: if a source has the same message twice, it is imported twice, and a second run, which
finds two, imports none.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from contextlib import suppress

from receiver import maildir
from receiver.storage.disk import SYSTEM

KEY = 32  # hex digits, 128 bits: two messages with one key cannot be made on purpose to match a third
_KEY_IN_NAME = re.compile(r"\d+\.I([0-9a-f]{32})Q")
_BLOCK = 1_048_576  # octets to read at a time


class Index:
    """The messages of the mailbox whose Maildir is `path`, in its own folders and its subfolders.

    `has` is to be called once for each message of the source. Raises OSError.
    """

    def __init__(self, path: str) -> None:
        self._there: Counter[str] = Counter()  # how often the mailbox has the key
        self._came: Counter[str] = Counter()  # how often the source had the key so far
        self._by_size: dict[int, list[str]] = defaultdict(list)  # files whose key is not known yet
        for folder in (path, *maildir.subfolders(path)):
            for part in maildir.PARTS:
                with suppress(FileNotFoundError, NotADirectoryError):
                    self._look(f"{folder}/{part}")

    def has(self, key: str, size: int) -> bool:
        """Whether the mailbox has this message of the source already. `size` is in octets."""
        for path in self._by_size.pop(size, ()):
            with suppress(OSError):  # It was moved or removed meanwhile.
                self._there[_key_of(path)] += 1
        self._came[key] += 1
        return self._came[key] <= self._there[key]

    def _look(self, folder: str) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                found = _KEY_IN_NAME.match(entry.name)
                if found:
                    self._there[found[1]] += 1
                elif entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        self._by_size[entry.stat(follow_symlinks=False).st_size].append(entry.path)


def _key_of(path: str) -> str:
    fd = SYSTEM.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:KEY]
