"""Messages as they lie in the Maildirs, found by name: a name begins with the time of arrival.

The mail folder belongs to the service, and root reads it: symbolic links are never followed, and only
regular files are opened.
"""

from __future__ import annotations

import errno
import heapq
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from receiver.reading import headers

_FIRST_READ = 16_384


@dataclass(frozen=True, slots=True)
class Maildir:
    """A mailbox with its folder."""

    domain: str
    mailbox: str
    path: str

    def __str__(self) -> str:
        return f"{self.mailbox}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A message's file. `name` is its file name without what a reader appended (`:2,S`)."""

    maildir: Maildir
    name: str
    path: str

    @property
    def identity(self) -> str:
        """What its sender was told at 250, and the log calls it."""
        pieces = self.name.split(".", 2)
        return pieces[1] if len(pieces) > 2 else self.name

    @property
    def arrived(self) -> int:
        """Seconds since 1970."""
        seconds = self.name.partition(".")[0]
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else 0


def maildirs(mail: Path, wanted: str | None = None) -> list[Maildir]:
    """The mailboxes under the mail folder: all, or those called `wanted`, as `alice` or `alice@domain`.

    Hidden folders are none, unless they are asked for. Raises OSError if the folder cannot be read.
    """
    found = []
    for domain in _folders(str(mail)):
        if domain.startswith("."):
            continue  # what the receiver keeps for itself
        for box in _folders(f"{mail}/{domain}"):
            each = Maildir(domain, box, f"{mail}/{domain}/{box}")
            if (wanted is None and not box.startswith(".")) or wanted in (box, str(each)):
                found.append(each)
    return sorted(found, key=str)


def _folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def newest(boxes: Iterable[Maildir], count: int) -> list[Stored]:
    """The last `count` messages to arrive, the newest first."""
    found = [
        Stored(box, name.partition(":")[0], f"{folder}/{name}")
        for box in boxes
        for folder, names in _names(box)
        for name in heapq.nlargest(count, names)
    ]
    return heapq.nlargest(count, found, key=lambda each: (each.name, each.path))


def everything(boxes: Iterable[Maildir]) -> Iterator[Stored]:
    """All messages of the mailboxes, one mailbox after the other, the oldest first."""
    for box in boxes:
        both = [(name, folder) for folder, names in _names(box) for name in names]
        for name, folder in sorted(both):
            yield Stored(box, name.partition(":")[0], f"{folder}/{name}")


def _names(box: Maildir) -> Iterator[tuple[str, list[str]]]:
    for part in ("new", "cur"):
        folder = f"{box.path}/{part}"
        try:
            yield folder, [name for name in os.listdir(folder) if name[0] != "."]  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            continue


def find(boxes: Iterable[Maildir], wanted: str) -> list[Stored]:
    """The messages whose identity, or file name, begins with `wanted`; whose path it is; newest first."""
    return sorted(
        (
            each
            for each in everything(boxes)
            if each.identity.startswith(wanted) or each.name.startswith(wanted) or each.path == wanted
        ),
        key=lambda each: each.name,
        reverse=True,
    )


def open_file(stored: Stored) -> int:
    """A file descriptor to read the message. Raises OSError, also for anything but a regular file."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(stored.path, flags)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is no regular file", stored.path)
    return fd


def head(stored: Stored) -> tuple[bytes, int]:
    """The header section, as far as it is looked at, and the size of the file in octets. Raises OSError."""
    fd = open_file(stored)
    try:
        octets = os.read(fd, _FIRST_READ)
        while b"\n\r\n" not in octets and b"\n\n" not in octets and len(octets) < headers.MAX_HEAD:
            more = os.read(fd, headers.MAX_HEAD - len(octets))
            if not more:
                break
            octets += more
        size = os.fstat(fd).st_size
    finally:
        os.close(fd)
    ends = [at for at in (octets.find(b"\n\r\n"), octets.find(b"\n\n")) if at >= 0]
    return octets[: min(ends) + 1 if ends else len(octets)], size


def content(stored: Stored) -> bytes | mmap.mmap:
    """The whole message, mapped rather than read. Raises OSError."""
    fd = open_file(stored)
    try:
        size = os.fstat(fd).st_size
        return mmap.mmap(fd, size, access=mmap.ACCESS_READ) if size else b""
    finally:
        os.close(fd)
