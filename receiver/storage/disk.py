"""The system calls that store mail, behind one interface, so that a test can make any of them fail.

Besides those of the os module these are sync_file_range(2) and syncfs(2). `keeps_order` tells on which file
systems a rename never survives a crash without the file's content, if the content was written out before it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from receiver.system.libc import call, library

# The journal of these file systems keeps the order of changes. When a file's content has been written out,
# the journal has its size and blocks, so a later rename cannot survive a crash without them.
_ORDERED = {"ext4", "xfs"}
_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4  # SYNC_FILE_RANGE_*


class Disk(Protocol):
    """The system calls in use. All raise OSError. `SYSTEM` is the real implementation."""

    def open(self, path: str, flags: int, mode: int = 0o777, /) -> int: ...
    def write(self, fd: int, octets: bytes, /) -> int: ...
    def pread(self, fd: int, size: int, offset: int, /) -> bytes: ...
    def pwritev(self, fd: int, pieces: Sequence[bytes], offset: int, /) -> int: ...
    def fdatasync(self, fd: int, /) -> None: ...
    def fsync(self, fd: int, /) -> None: ...
    def close(self, fd: int, /) -> None: ...
    def rename(self, source: str, target: str, /) -> None: ...
    def link(self, source: str, target: str, /) -> None: ...
    def unlink(self, path: str, /) -> None: ...
    def mkdir(self, path: str, mode: int = 0o777, /) -> None: ...
    def fchmod(self, fd: int, mode: int, /) -> None: ...
    def write_out(self, fd: int, wait: bool, /) -> None: ...
    def syncfs(self, fd: int, /) -> None: ...


class SystemDisk:
    """The calls of the os module, and two of the C library."""

    open = staticmethod(os.open)
    write = staticmethod(os.write)
    pread = staticmethod(os.pread)
    pwritev = staticmethod(os.pwritev)
    fdatasync = staticmethod(os.fdatasync)
    fsync = staticmethod(os.fsync)
    close = staticmethod(os.close)
    rename = staticmethod(os.rename)
    link = staticmethod(os.link)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)
    fchmod = staticmethod(os.fchmod)

    def write_out(self, fd: int, wait: bool, /) -> None:
        """Begin to write a file's content out, or write it out and wait (sync_file_range(2)).

        It writes no metadata, so it makes nothing durable.
        """
        flags = _WAIT_BEFORE | _WRITE | _WAIT_AFTER if wait else _WRITE
        call("sync_file_range", fd, 0, 0, flags)

    def syncfs(self, fd: int, /) -> None:
        """Sync the whole file system of the open file `fd` (syncfs(2))."""
        call("syncfs", fd)


SYSTEM: Disk = SystemDisk()
_known: dict[int, bool] = {}  # the answers of keeps_order by device


def keeps_order(device: int, mounts: Callable[[], str] = Path("/proc/self/mountinfo").read_text) -> bool:
    """Whether a rename after `write_out` never survives a crash without the content.

    `device` is an st_dev. `mounts` reads /proc/self/mountinfo (proc(5)).
    """
    if device not in _known:
        kind = ""
        with contextlib.suppress(OSError):
            for line in mounts().splitlines():
                before, _, after = line.partition(" - ")
                if before.split()[2] == f"{os.major(device)}:{os.minor(device)}":
                    kind = after.split()[0]
        _known[device] = kind in _ORDERED and library is not None
    return _known[device]
