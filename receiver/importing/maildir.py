"""Messages of a Maildir, with its Maildir++ subfolders. Root opens the files and reads none of them.

The folder may belong to somebody who wants root to open another file. So no symbolic link below the folder is
followed, and only regular files are opened. If we are root, a child without root reads the messages: it gets
each file's descriptor with the name (unix(7), SCM_RIGHTS).
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from receiver.importing.found import FLAGS, Found, Marks

_BLOCK = 262_144  # octets to read at a time
_LONGEST_NAME = 1024  # octets of a message between the processes: folder, part and name
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of the Maildir that is open as `fd`, or a reason why it is not.

    `folder` is empty or that of a subfolder, `part` is new or cur, `name` is the file's.
    """

    folder: str
    part: str
    name: str
    fd: int = -1
    problem: str = ""

    @property
    def path(self) -> str:
        return "/".join(filter(None, (self.folder, self.part, self.name)))


def is_maildir(fd: int) -> bool:
    """Whether the open folder has folders new or cur."""
    return bool({"new", "cur"} & set(os.listdir(fd)))


def opened(root: int) -> Iterator[Opened]:
    """Each file of the Maildir that is open as `root`: its own first, then the subfolders', by their names.

    The caller closes the descriptors.
    """
    names = sorted(name for name in os.listdir(root) if name.startswith(".") and _is_folder(root, name))
    for folder in ("", *names):
        for part in ("new", "cur"):
            with suppress(FileNotFoundError):
                yield from _in_folder(root, folder, part)


def _is_folder(root: int, name: str) -> bool:
    with suppress(FileNotFoundError):
        return stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode)
    return False


def _in_folder(root: int, folder: str, part: str) -> Iterator[Opened]:
    within = os.open(folder, _FOLDER_FLAGS, dir_fd=root) if folder else os.dup(root)
    try:
        files = os.open(part, _FOLDER_FLAGS, dir_fd=within)
    except NotADirectoryError:
        yield Opened(folder, part, "", problem="not a folder")
        return
    finally:
        os.close(within)
    try:
        for name in sorted(os.listdir(files)):  # noqa: PTH208
            if not name.startswith("."):
                yield _open(files, Opened(folder, part, name))
    finally:
        os.close(files)


def _open(files: int, found: Opened) -> Opened:
    """Open a file. A special file is not opened at all, because that alone may do something to a device."""
    try:
        mode = os.stat(found.name, dir_fd=files, follow_symlinks=False).st_mode
        if not stat.S_ISREG(mode):
            return Opened(found.folder, found.part, found.name, problem="not a regular file")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(found.name, flags, dir_fd=files)
    except OSError as error:
        return Opened(found.folder, found.part, found.name, problem=error.strerror or "cannot be opened")
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return Opened(found.folder, found.part, found.name, fd)
    os.close(fd)
    return Opened(found.folder, found.part, found.name, problem="not a regular file")


def hand_over(files: Iterator[Opened], out: socket.socket) -> None:
    """Pass each file to the other side of the socket, and wait until it was read."""
    with suppress(BrokenPipeError, ConnectionResetError):  # The other side has ended, and says why.
        for each in files:
            text = "\0".join((each.folder, each.part, each.name, each.problem))
            try:
                socket.send_fds(out, [os.fsencode(text)], [each.fd] if each.fd >= 0 else [])
            finally:
                if each.fd >= 0:
                    os.close(each.fd)
            if not out.recv(1):
                return


def handed_over(from_parent: socket.socket) -> Iterator[Opened]:
    """The files that the other side passes."""
    while True:
        octets, descriptors, _, _ = socket.recv_fds(from_parent, _LONGEST_NAME, 1)
        if not octets:
            return
        folder, part, name, problem = os.fsdecode(octets).split("\0")
        yield Opened(folder, part, name, descriptors[0] if descriptors else -1, problem)
        from_parent.send(b".")


def found(each: Opened, source: str) -> Found:
    """The message of an open file. Its date is that in its name, or else its time of modification.

    Of the flags only those are taken that every program reads alike. The others, in lower case, are keywords
    that the program which wrote them has explained elsewhere (Dovecot, in `dovecot-keywords`).
    """
    seconds = each.name.partition(".")[0]
    is_time = seconds.isascii() and seconds.isdigit() and len(seconds) < 12
    flags = "".join(sorted(set(each.name.partition(":2,")[2]) & set(FLAGS)))
    return Found(
        f"{source}/{each.path}",
        _pieces(each.fd),
        each.folder,
        float(seconds) if is_time else os.fstat(each.fd).st_mtime,
        Marks(flags, each.part == "new" and not flags),
    )


def _pieces(fd: int) -> Iterator[bytes]:
    while piece := os.read(fd, _BLOCK):
        yield piece
