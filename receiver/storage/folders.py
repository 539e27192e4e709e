"""The Maildirs under one mail folder: `<mail>/<domain>/<mailbox>/{tmp,new,cur}`, made durably where missing.

Every method blocks, and all may raise OSError. For any thread.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from receiver.mailbox import Mailbox
from receiver.storage import disk as disks
from receiver.storage.disk import SYSTEM, Disk
from receiver.storage.leftovers import Claim


class Folders:
    """`keeps_order` tells of a device (st_dev) what `disk.keeps_order` does.

    The names of files in tmp/ end in `token`, which is claimed before the first of them. The process that
    stores small messages does not claim (`claims`): a receiver names its files, and has claimed them.
    """

    def __init__(
        self,
        mail: Path,
        disk: Disk = SYSTEM,
        *,
        claims: bool = True,
        keeps_order: Callable[[int], bool] = disks.keeps_order,
    ) -> None:
        self.mail = mail
        self.disk = disk
        self.token = secrets.token_hex(4)
        self.keeps_order = keeps_order
        self._claim = Claim(mail, self.token) if claims else None
        self._root = str(mail)
        self._ready: set[Mailbox] = set()
        self._durable = {first_folder(mail)}  # folders whose entries are known to be on disk

    def folder(self, mailbox: Mailbox) -> str:
        return f"{self._root}/{mailbox.domain}/{mailbox.name}"

    def prepare(self, mailbox: Mailbox) -> None:
        """Make what is missing of the Maildir, durably, down from the first folder that is there."""
        if mailbox in self._ready:
            return
        try:
            self._make_maildir(mailbox)
        except FileNotFoundError:  # a folder above it was removed since we saw it
            self.forget()
            self._make_maildir(mailbox)
        self._ready.add(mailbox)

    def _make_maildir(self, mailbox: Mailbox) -> None:
        folder = Path(self.folder(mailbox))
        for name in ("tmp", "new", "cur"):
            self.make_folder(folder / name)

    def forget(self) -> None:
        """Look again at the next message: somebody removed folders that were there."""
        self._durable = {first_folder(self.mail)}
        self._ready.clear()

    def hold(self) -> None:
        """Claim the names of our files in tmp/, so that nobody takes them for leftovers."""
        if self._claim:
            self._claim.hold()

    def release(self) -> None:
        if self._claim:
            self._claim.release()

    def settle(self) -> None:
        """Make the mail folder and take the claim, if both can be had already."""
        with contextlib.suppress(OSError):
            self.make_folder(self.mail)
            self.hold()

    def make_folder(self, path: Path) -> None:
        """When this returns, the folder and those above it are there, also after a crash."""
        if path in self._durable:
            return
        self.make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            self.disk.mkdir(str(path), 0o700)
        # Sync also a folder that was there: an earlier try may have failed between making and syncing.
        self.sync_folder(str(path.parent))
        self._durable.add(path)

    def sync_folder(self, path: str) -> None:
        fd = self.disk.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.disk.fsync(fd)
        finally:
            self.disk.close(fd)

    def write(self, fd: int, octets: bytes) -> None:
        """Write all of the octets."""
        view = memoryview(octets)
        while view:
            view = view[self.disk.write(fd, view) :]  # type: ignore[arg-type]


def first_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.is_dir())
