"""The messages in the Maildirs, and in the folders that mail clients made in them.

The receiver gives a file a name that begins with the time of arrival. If a mail client gave it another name,
the file's own time says when the message arrived, because renaming or linking a file keeps that time.

The mail folder belongs to the service, but root may read it. So we never follow a symbolic link, and open
only regular files.
"""

from __future__ import annotations

import base64
import errno
import mmap
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from receiver import headers, maildir
from receiver.mailbox import Mailbox
from receiver.reading.sender import trace
from receiver.recipients import is_named

_FIRST_READ = 16_384
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_LONGEST_HEAD = headers.MAX_HEAD + 8192  # octets, with our trace fields


@dataclass(frozen=True, slots=True)
class Maildir:
    """A mailbox with its folder, or a folder that a mail client made in a mailbox."""

    domain: str
    mailbox: str
    path: str
    folder: str = ""  # as mail clients show it, such as `Archive/2026`; empty for the mailbox itself

    def __str__(self) -> str:
        """The address of the mailbox."""
        return f"{self.mailbox}@{self.domain}"

    @property
    def place(self) -> str:
        """The mailbox, and the folder if there is one."""
        return f"{self}/{self.folder}" if self.folder else str(self)


@dataclass(frozen=True, slots=True)
class Stored:
    """The file of a message. `name` is its name without the flags that mail clients append (`:2,S`)."""

    maildir: Maildir
    name: str
    path: str

    @property
    def identity(self) -> str:
        """The identity in the 250 reply to the sender and in the log, unless a mail client renamed the file.

        Of a renamed file it is what its name has in that place (see `renamed`).
        """
        pieces = self.name.split(".", 2)
        return pieces[1] if len(pieces) > 2 else self.name

    @property
    def arrived(self) -> int:
        """Seconds since 1970. The file is looked at only if the receiver did not name it."""
        named = self.named_at
        if maildir.identity(self.name):
            return named
        try:
            written = int(os.lstat(self.path).st_mtime)
        except OSError:
            return named
        return min(named, written) if named else written

    @property
    def named_at(self) -> int:
        """The time in its name, in seconds since 1970; 0 if there is none."""
        seconds = self.name.partition(".")[0]
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else 0


def maildirs(mail: Path, wanted: str | None = None) -> list[Maildir]:
    """The mailboxes in the mail folder: all, or those with the name `wanted`, as `is_named` reads it.

    Hidden folders count only if `wanted` names them. Raises OSError if the folder cannot be read.
    """
    found = []
    for domain in _folders(str(mail)):
        if domain.startswith("."):
            continue  # The write-ahead log of the receiver, for example.
        for box in _folders(f"{mail}/{domain}"):
            each = Maildir(domain, box, f"{mail}/{domain}/{box}")
            if not box.startswith(".") if wanted is None else is_named(wanted, Mailbox(domain, box)):
                found.append(each)
    return sorted(found, key=str)


def _folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def folders(box: Maildir) -> list[Maildir]:
    """The mailbox itself, and the folders that mail clients made in it. Raises OSError."""
    start = len(box.path) + 1
    return [
        box,
        *(
            replace(box, path=path, folder=shown_folder(path[start:]))
            for path in maildir.subfolders(box.path)
        ),
    ]


def shown_folder(path: str) -> str:
    """The name of a folder as mail clients show it. `path` is relative to the mailbox.

    In the layout Maildir++ the folder Archive/2026 is `.Archive.2026`. Its characters beyond ASCII are in the
    modified UTF-7 of IMAP (RFC 3501 section 5.1.3), or as they are.
    """
    parts = [part[1:].replace(".", "/") if part[0] == "." else part for part in path.split("/")]
    name = "/".join(parts)
    try:
        return _SHIFTED.sub(_characters, name)
    except ValueError:  # It only looks like modified UTF-7.
        return name


def _characters(shifted: re.Match[str]) -> str:
    octets = shifted[1].replace(",", "/")
    return base64.b64decode(octets + "=" * (-len(octets) % 4)).decode("utf-16-be") if octets else "&"


def everything(boxes: Iterable[Maildir]) -> Iterator[Stored]:
    """All entries, one mailbox after the other, each with its oldest first. Some may not be messages."""
    for box in boxes:
        yield from sorted(entries([box]), key=lambda each: (each.arrived, each.name, each.path))


def entries(boxes: Iterable[Maildir]) -> Iterator[Stored]:
    """All entries of the mailboxes and their folders, in any order. Some may not be messages."""
    for box in boxes:
        for folder in folders(box):
            for path, found in names(folder):
                for name in found:
                    yield Stored(folder, maildir.plain_name(name), f"{path}/{name}")


def names(folder: Maildir) -> Iterator[tuple[str, list[str]]]:
    """The folders new and cur of one folder, each with the names in it. Raises OSError."""
    for part in maildir.PARTS:
        path = f"{folder.path}/{part}"
        try:
            yield path, [name for name in os.listdir(path) if name[0] != "."]  # noqa: PTH208
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
    ours = trace.TOP.match(octets)
    limit = (ours.end() if ours else 0) + headers.MAX_HEAD
    return octets[: min(*(at + 1 for at in ends), limit) if ends else limit], size


def content(stored: Stored) -> bytes | mmap.mmap:
    """The whole message, mapped into memory (mmap(2)). Raises OSError."""
    fd = open_file(stored)
    try:
        size = os.fstat(fd).st_size
        return mmap.mmap(fd, size, access=mmap.ACCESS_READ) if size else b""
    finally:
        os.close(fd)
