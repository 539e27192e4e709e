"""A disk with a volatile cache, as a FUSE file `disk` for a loop device, that records all its requests.

`python -m tests.receiver.durability.volatile_disk IMAGE LOG FOLDER` (root) mounts it on FOLDER with the
content of IMAGE. It appends each write and each flush to LOG before it acknowledges them. From the log,
`cuts` makes the disk as a power cut at any moment would leave it: with all that was written before the last
flush, and any part of the later writes. This module implements the FUSE protocol of the kernel
(linux/fuse.h), so that it needs no library. A log record is RECORD and, for b"W", the octets.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from pathlib import Path

RECORD = struct.Struct("<cQI")  # b"W" (write) or b"F" (flush), offset, number of octets
_IN = struct.Struct("<IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
_OUT = struct.Struct("<IiQ")  # length, error, unique
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
_LOOKUP, _FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _STATFS = 1, 2, 3, 4, 14, 15, 16, 17
_RELEASE, _FSYNC, _FLUSH, _INIT, _OPENDIR, _RELEASEDIR, _INTERRUPT, _DESTROY = 18, 20, 25, 26, 27, 29, 36, 38
_BATCH_FORGET = 42
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_MAX_WRITE = 1 << 20
_ROOT, _FILE = 1, 2


class Disk:
    """Answers the requests of the kernel. `content` is what a reader gets."""

    def __init__(self, content: bytearray, log: int) -> None:
        self.content = content
        self._log = log

    def answer(self, opcode: int, node: int, body: memoryview) -> bytes | int | None:
        """The body of the reply, an errno, or None if the request gets no reply."""
        if opcode in (_FORGET, _BATCH_FORGET, _INTERRUPT):
            return None
        if opcode == _INIT:
            flags = _BIG_WRITES | _MAX_PAGES
            return struct.pack(
                "<IIIIHHIIHHI28x", 7, 31, 1 << 17, flags, 16, 12, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0, 0
            )
        if opcode == _LOOKUP:
            if bytes(body).rstrip(b"\0") != b"disk":
                return errno.ENOENT
            return struct.pack("<QQQQII", _FILE, 0, 3600, 3600, 0, 0) + self._attributes(_FILE)
        if opcode in (_GETATTR, _SETATTR):
            return struct.pack("<QII", 3600, 0, 0) + self._attributes(node)
        if opcode in (_OPEN, _OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if opcode == _STATFS:
            return struct.pack("<QQQQQIIII24x", 1 << 20, 1 << 19, 1 << 19, 2, 0, 4096, 255, 4096, 0)
        if opcode in (_RELEASE, _RELEASEDIR, _FLUSH, _DESTROY):
            return b""
        if opcode == _READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return bytes(self.content[offset : offset + size])
        if opcode == _WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            octets = body[40 : 40 + size]
            os.writev(self._log, [RECORD.pack(b"W", offset, size), octets])
            self.content[offset : offset + size] = octets
            return struct.pack("<II", size, 0)
        if opcode == _FSYNC:
            os.write(self._log, RECORD.pack(b"F", 0, 0))
            return b""
        return errno.ENOSYS

    def _attributes(self, node: int) -> bytes:
        size = len(self.content) if node == _FILE else 0
        mode = stat.S_IFREG | 0o600 if node == _FILE else stat.S_IFDIR | 0o700
        return _ATTRIBUTES.pack(node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def serve(device: int, disk: Disk) -> None:
    """Answer until the folder is unmounted."""
    buffer = bytearray(_MAX_WRITE + 65536)
    while True:
        try:
            length = os.readv(device, [buffer])
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ECONNABORTED):
                return
            if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                continue
            raise
        _, opcode, unique, node, *_ = _IN.unpack_from(buffer)
        reply = disk.answer(opcode, node, memoryview(buffer)[_IN.size : length])
        if reply is None:
            continue
        code, body = (-reply, b"") if isinstance(reply, int) else (0, reply)
        os.write(device, _OUT.pack(_OUT.size + len(body), code, unique) + body)


def mount(device: int, folder: Path) -> None:
    """Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"volatile-disk", os.fsencode(folder), b"fuse", 0, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))


def main() -> None:
    image, log, folder = (Path(argument) for argument in sys.argv[1:4])
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    disk = Disk(bytearray(image.read_bytes()), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    mount(device, folder)
    serve(device, disk)


if __name__ == "__main__":
    main()
