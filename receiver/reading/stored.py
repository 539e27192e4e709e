"""The messages in the Maildirs. The name of a file begins with the time of arrival.

The mail folder belongs to the service, but root may read it. So we never follow a symbolic link, and open
only regular files.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from receiver import headers

_FIRST_READ = 16_384
_FOLDED = rb":[^\n]*\n(?:[ \t][^\n]*\n)*"
_TRACE = re.compile(
    rb"Return-Path:[^\n]*\nDelivered-To:[^\n]*\n"
    rb"(?:(?:Authentication-Results|X-Spam(?:-Score)?)%b)*Received%b" % (_FOLDED, _FOLDED)
)
_LONGEST_HEAD = headers.MAX_HEAD + 8192  # octets, with our trace fields


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
    """The file of a message. `name` is its name without the flags that mail clients append (`:2,S`)."""

    maildir: Maildir
    name: str
    path: str

    @property
    def identity(self) -> str:
        """The identity in the 250 reply to the sender and in the log."""
        pieces = self.name.split(".", 2)
        return pieces[1] if len(pieces) > 2 else self.name

    @property
    def arrived(self) -> int:
        """Seconds since 1970."""
        seconds = self.name.partition(".")[0]
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else 0


def maildirs(mail: Path, wanted: str | None = None) -> list[Maildir]:
    """The mailboxes in the mail folder: all, or those with the name `wanted`, as `alice` or `alice@domain`.

    Hidden folders count only if `wanted` names them. Raises OSError if the folder cannot be read.
    """
    found = []
    for domain in _folders(str(mail)):
        if domain.startswith("."):
            continue  # The write-ahead log of the receiver, for example.
        for box in _folders(f"{mail}/{domain}"):
            each = Maildir(domain, box, f"{mail}/{domain}/{box}")
            if (wanted is None and not box.startswith(".")) or wanted in (box, str(each)):
                found.append(each)
    return sorted(found, key=str)


def _folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def everything(boxes: Iterable[Maildir]) -> Iterator[Stored]:
    """All entries, one mailbox after the other, each with its oldest first. Some may not be messages."""
    for box in boxes:
        both = [(name, folder) for folder, names in names(box) for name in names]
        for name, folder in sorted(both):
            yield Stored(box, name.partition(":")[0], f"{folder}/{name}")


def names(box: Maildir) -> Iterator[tuple[str, list[str]]]:
    """The folders new and cur of a mailbox, each with the names in it. Raises OSError."""
    for part in ("new", "cur"):
        folder = f"{box.path}/{part}"
        try:
            yield folder, [name for name in os.listdir(folder) if name[0] != "."]  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            continue


def open_file(stored: Stored) -> int:
    """Open the message for reading and return the descriptor. Raises OSError if it is no regular file."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(stored.path, flags)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is not a regular file", stored.path)
    return fd


def head(stored: Stored) -> tuple[bytes, int]:
    """The header section, cut to a limit, and the size of the file in octets. Raises OSError.

    The limit is our trace fields and `headers.MAX_HEAD` octets of what the sender wrote. The receiver uses
    the same limit for its log.
    """
    fd = open_file(stored)
    try:
        octets = os.read(fd, _FIRST_READ)
        while b"\n\r\n" not in octets and b"\n\n" not in octets and len(octets) < _LONGEST_HEAD:
            more = os.read(fd, _LONGEST_HEAD - len(octets))
            if not more:
                break
            octets += more
        size = os.fstat(fd).st_size
    finally:
        os.close(fd)
    ends = [at for at in (octets.find(b"\n\r\n"), octets.find(b"\n\n")) if at >= 0]
    trace = _TRACE.match(octets)
    limit = (trace.end() if trace else 0) + headers.MAX_HEAD
    return octets[: min(*(at + 1 for at in ends), limit) if ends else limit], size


def content(stored: Stored) -> bytes | mmap.mmap:
    """The whole message, mapped into memory (mmap(2)). Raises OSError."""
    fd = open_file(stored)
    try:
        size = os.fstat(fd).st_size
        return mmap.mmap(fd, size, access=mmap.ACCESS_READ) if size else b""
    finally:
        os.close(fd)
