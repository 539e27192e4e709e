"""The files of one mailbox, for the recovery: where the file of a message is that a user may have moved.

A message is first looked for in new/. If it is not there, the names in cur/ and in the folders of mail
clients are read. Mail clients add flags to a name (maildir(5)), or give a file another name when they move or
copy it. Among files with other names only those are opened that have the size of the message and changed
since it came, and each once. So the time grows with the names in the mailbox, and not with the mail in it.

A file counts only if it has all octets of the message. Its identity is in them.

A mail client may be moving messages while we look. A file that goes from one folder to another can be missed,
or has gone when we open it. So the recovery looks again if a folder changed, or a file went, meanwhile.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from receiver import maildir

_IDENTITY = re.compile(rb"\r\n\tid (M\d+P\d+Q\d+R[0-9a-f]+)[;\r]")
_TOP = 8192  # octets; our fields are shorter
_TICK = 0.05  # seconds; more than the kernel's clock for files may be behind
_SLACK = 86_400  # seconds by which the clock may have been set back after the message came


class Present:
    """The files of the Maildir at `folder`. The names are read once, when they are needed first."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._by_identity: dict[int, dict[str, list[Path]]] = {}  # renamed files, by their size
        self.changed = False  # whether a file may have been moved while we looked

    def find(self, name: str, octets: bytes) -> Path | None:
        """A file with these octets. `name` is the name that it had in new/. Raises OSError."""
        for path in self.files(name, octets):
            found = _read(str(path), len(octets) + 1)
            if found == octets:
                return path
            if found is None and path != self._new(name):
                self.changed = True  # It was there when the names were read.
        return None

    def place(self, name: str) -> Path:
        """Where the file belongs: in new/, or where a file of that name is that is not complete."""
        return next(self._named(name), self._new(name))

    def files(self, name: str, octets: bytes) -> Iterator[Path]:
        """The paths where the file of a message may be, that in new/ first."""
        yield self._new(name)
        yield from self._named(name)
        if identity := maildir.identity(name):
            yield from self._renamed(len(octets), int(name.partition(".")[0])).get(identity, [])

    def _new(self, name: str) -> Path:
        return Path(self._folder, "new", name)

    @cached_property
    def _names(self) -> tuple[dict[str, list[str]], list[str]]:
        """The files by their names without flags, and the paths of those that the receiver did not name."""
        named: dict[str, list[str]] = {}
        others: list[str] = []
        began = time.time()
        folders = [self._folder, *maildir.subfolders(self._folder)]
        for folder in folders:
            for part in maildir.PARTS:
                for name in _list(f"{folder}/{part}"):
                    path = f"{folder}/{part}/{name}"
                    named.setdefault(maildir.plain_name(name), []).append(path)
                    if not maildir.identity(name):
                        others.append(path)
        latest = max(_changed_at(f"{folder}/{part}") for folder in folders for part in maildir.PARTS)
        self.changed |= latest > began - _TICK
        return named, others

    def _named(self, name: str) -> Iterator[Path]:
        return map(Path, self._names[0].get(name, []))

    @cached_property
    def _by_size(self) -> dict[int, list[tuple[float, str]]]:
        """The renamed files by their size, each with the time of its last change."""
        found: dict[int, list[tuple[float, str]]] = {}
        for path in self._names[1]:
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                self.changed = True
                continue
            if stat.S_ISREG(status.st_mode):
                found.setdefault(status.st_size, []).append((status.st_ctime, path))
        return found

    def _renamed(self, size: int, arrived: int) -> dict[str, list[Path]]:
        """The renamed files of that size by their identity. A renamed file changed when it was renamed."""
        if size not in self._by_identity:
            found = self._by_identity[size] = {}
            for changed, path in self._by_size.get(size, []):
                if changed < arrived - _SLACK:
                    continue
                octets = _read(path, _TOP)
                self.changed |= octets is None
                if octets and (identity := _IDENTITY.search(octets)):
                    found.setdefault(identity[1].decode(), []).append(Path(path))
        return self._by_identity[size]


def _changed_at(folder: str) -> float:
    """The time of the folder's last change, in seconds since 1970."""
    try:
        return Path(folder).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(path: str, size: int) -> bytes | None:
    """Up to `size` octets of a regular file. None if there is none of that path any more."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return None
        raise
    with os.fdopen(fd, "rb") as file:
        return file.read(size) if stat.S_ISREG(os.fstat(fd).st_mode) else None
