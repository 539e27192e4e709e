"""The system calls that mail is stored with, behind one seam, so that a test can make any of them fail.

Beyond the os module: sync_file_range(2) and syncfs(2), and on which file systems writing content
out before a rename is enough for the rename never to be seen without it after a crash.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from receiver.system.libc import call, library

# Their journal keeps the order of things: a file's size and blocks are in it once its content has been
# written out, so a rename made after that cannot survive a crash alone.
_ORDERED = {"ext4", "xfs"}
_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4  # SYNC_FILE_RANGE_*


class Disk(Protocol):
    """What is used; `SYSTEM` is the real one. All raise OSError."""

    def open(self, path: str, flags: int, mode: int = 0o777, /) -> int: ...
    def write(self, fd: int, octets: bytes, /) -> int: ...
    def pread(self, fd: int, size: int, offset: int, /) -> bytes: ...
    def pwritev(self, fd: int, pieces: Sequence[bytes], offset: int, /) -> int: ...
    def fdatasync(self, fd: int, /) -> None: ...
    def fsync(self, fd: int, /) -> None: ...
    def close(self, fd: int, /) -> None: ...
    def rename(self, source: str, target: str, /) -> None: ...
    def unlink(self, path: str, /) -> None: ...
    def mkdir(self, path: str, mode: int = 0o777, /) -> None: ...
    def write_out(self, fd: int, wait: bool, /) -> None: ...
    def syncfs(self, fd: int, /) -> None: ...


class System:
    """The os module's calls, and two of the C library's."""

    open = staticmethod(os.open)
    write = staticmethod(os.write)
    pread = staticmethod(os.pread)
    pwritev = staticmethod(os.pwritev)
    fdatasync = staticmethod(os.fdatasync)
    fsync = staticmethod(os.fsync)
    close = staticmethod(os.close)
    rename = staticmethod(os.rename)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)

    def write_out(self, fd: int, wait: bool, /) -> None:
        """Begin to write a file's content to the disk, or do it and wait. No metadata: this syncs nothing."""
        flags = _WAIT_BEFORE | _WRITE | _WAIT_AFTER if wait else _WRITE
        call("sync_file_range", fd, 0, 0, flags)

    def syncfs(self, fd: int, /) -> None:
        """Everything on the file system that the file is on."""
        call("syncfs", fd)


SYSTEM: Disk = System()
_kinds: dict[int, bool] = {}


def keeps_order(device: int, mounts: Callable[[], str] = Path("/proc/self/mountinfo").read_text) -> bool:
    """Whether a rename after `write_out` never outlives the content. `device` is an st_dev (proc(5))."""
    if device not in _kinds:
        kind = ""
        with contextlib.suppress(OSError):
            for line in mounts().splitlines():
                before, _, after = line.partition(" - ")
                if before.split()[2] == f"{os.major(device)}:{os.minor(device)}":
                    kind = after.split()[0]
        _kinds[device] = kind in _ORDERED and library is not None
    return _kinds[device]
