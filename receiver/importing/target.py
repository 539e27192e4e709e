"""The mailbox that mail is imported into. A file is whole in new/ or cur/, or it is not there.

Each message is written to tmp/. When some have come, their files are synced (fsync(2)), then renamed, and
then the folders are synced. So no kill and no power cut leaves a part of a message. What was not renamed is
removed as a leftover (`storage.leftovers`), and comes again with the next run.

The name of a file is `<seconds>.I<key>Q<number>R<token>.<hostname>`, with the flags of maildir(5) behind it.
The token is random, so nobody can write a message whose trace fields name the file that it will be in (see
`receiver.reading.sender.trace`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from receiver.importing.found import Marks
from receiver.importing.index import KEY
from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.group import FILE_SYNCS

_IN_MEMORY = 1_048_576  # octets of a message after which it is written to tmp/
_MOST_FILES = 100  # of one batch
_MOST_OCTETS = 64 * 1_048_576
_LONGEST_NAME = 230  # octets, so that flags have room (NAME_MAX is 255)


class Busy(Exception):
    """Another import into the same mailbox runs."""


class Target:
    """The Maildir of a mailbox, which is made if it is missing. `hostname` becomes part of the names.

    All methods block, and raise OSError.
    """

    def __init__(self, mail: Path, mailbox: Mailbox, hostname: str) -> None:
        self.folders = Folders(mail)
        self.path = self.folders.folder(mailbox)
        self._mailbox, self._hostname = mailbox, hostname.replace("/", "\\057").replace(":", "\\072")
        self._ready: set[str] = set()
        self._batch: list[Incoming] = []
        self._octets = 0
        self._count = 0
        self._lock = -1

    def lock(self) -> None:
        """Keep other imports into this mailbox out. The lock ends with the process. Raises Busy."""
        self.folders.prepare(self._mailbox)
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None

    def begin(self, dry: bool = False) -> Incoming:
        """A message that is to be imported. With `dry` none of it is written."""
        self._count += 1
        return Incoming(None if dry else self._create, self._count)

    def add(self, message: Incoming, folder: str, seconds: float, marks: Marks) -> None:
        """Take the message into the next batch. `folder` is empty, or a subfolder such as `.Archive`."""
        message.end(seconds)
        where = f"{self.path}/{folder}" if folder else self.path
        self._prepare(where)
        identity = f"I{message.key}Q{message.number}R{self.folders.token}"
        name = f"{int(seconds):010d}.{identity}.{self._hostname}"[:_LONGEST_NAME]
        message.target = f"{where}/new/{name}" if marks.is_new else f"{where}/cur/{name}:2,{marks.flags}"
        self._batch.append(message)
        self._octets += message.size
        if len(self._batch) >= _MOST_FILES or self._octets >= _MOST_OCTETS:
            self.commit()

    def commit(self) -> None:
        """Make the batch durable."""
        disk = self.folders.disk
        batch, self._batch, self._octets = self._batch, [], 0
        try:
            with ThreadPoolExecutor(FILE_SYNCS) as syncs:
                list(syncs.map(lambda each: disk.fsync(each.fd), batch))
            for message in batch:
                disk.rename(message.path, message.target)
                message.path = ""
            for part in sorted({os.path.dirname(message.target) for message in batch}):  # noqa: PTH120
                self.folders.sync_folder(part)
        finally:
            for message in batch:
                message.drop()

    def close(self) -> None:
        """Remove what was not made durable, and end the claims."""
        for message in self._batch:
            message.drop()
        self.folders.release_token()
        if self._lock >= 0:
            os.close(self._lock)

    def _create(self, number: int) -> tuple[int, str]:
        """Make a file in tmp/. Its name has our token, so it is a leftover once we are dead."""
        self.folders.claim_token()
        path = f"{self.path}/tmp/0.IQ{number}R{self.folders.token}.import"  # noqa: S108
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return self.folders.disk.open(path, flags, 0o600), path

    def _prepare(self, where: str) -> None:
        """Make a subfolder, durably. `maildirfolder` marks it as one (Maildir++)."""
        if where in self._ready or where == self.path:
            return
        for part in ("tmp", "new", "cur"):
            self.folders.make_folder(Path(where, part))
        mark = self.folders.disk.open(
            f"{where}/maildirfolder", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self.folders.disk.close(mark)
        self._ready.add(where)


@dataclass(eq=False, slots=True)
class Incoming:
    """A message on its way: in memory while it is small, then in a file in tmp/.

    `create` makes the file, and is None if nothing is to be written.
    """

    create: Callable[[int], tuple[int, str]] | None
    number: int
    size: int = 0  # octets
    fd: int = -1
    path: str = ""  # of the file in tmp/; empty if there is none
    target: str = ""  # the path that it gets
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _pieces: list[bytes] = field(default_factory=list)
    _in_memory: int = 0

    @property
    def key(self) -> str:
        return self._hash.hexdigest()[:KEY]

    def write(self, piece: bytes) -> None:
        self._hash.update(piece)
        self.size += len(piece)
        self._pieces.append(piece)
        self._in_memory += len(piece)
        if self._in_memory >= _IN_MEMORY:
            self._spill()

    def end(self, seconds: float) -> None:
        """Write the rest to the file, and give it its time."""
        self._spill()
        os.utime(self.fd, (seconds, seconds))

    def drop(self) -> None:
        """Close the file, and remove it if it is in tmp/ still."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        if self.path:
            with suppress(OSError):
                os.unlink(self.path)  # noqa: PTH108
            self.path = ""
        self._pieces.clear()

    def _spill(self) -> None:
        octets, self._in_memory = b"".join(self._pieces), 0
        self._pieces.clear()
        if self.create is None:
            return
        if self.fd < 0:
            self.fd, self.path = self.create(self.number)
        view = memoryview(octets)
        while view:
            view = view[os.write(self.fd, view) :]
