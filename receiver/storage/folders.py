"""The Maildirs under a mail folder, `<mail>/<domain>/<mailbox>/{tmp,new,cur}`, made durably if missing.

Every method blocks, and may raise OSError. Any thread may call them.
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
    """The Maildirs of one mail folder, and the claim of a process to its files in tmp/.

    The names of our files in tmp/ contain `token`, which we claim before we make the first of them. The
    writer does not claim a token (`claims=False`), because the receivers name its files and have claimed
    theirs. `keeps_order` answers for a device (st_dev) as `disk.keeps_order` does.
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
        self._durable = {nearest_folder(mail)}  # folders that are known to survive a crash

    def folder(self, mailbox: Mailbox) -> str:
        """The path of the mailbox's Maildir."""
        return f"{self._root}/{mailbox.domain}/{mailbox.name}"

    def prepare(self, mailbox: Mailbox) -> None:
        """Make the missing folders of the Maildir, and those above it, durably."""
        if mailbox in self._ready:
            return
        try:
            self._make_maildir(mailbox)
        except FileNotFoundError:  # Somebody has removed a folder above it since we saw it.
            self.forget()
            self._make_maildir(mailbox)
        self._ready.add(mailbox)

    def _make_maildir(self, mailbox: Mailbox) -> None:
        folder = Path(self.folder(mailbox))
        for name in ("tmp", "new", "cur"):
            self.make_folder(folder / name)

    def forget(self) -> None:
        """Forget which folders exist, because somebody has removed some of them."""
        self._durable = {nearest_folder(self.mail)}
        self._ready.clear()

    def claim_token(self) -> None:
        """Claim our files in tmp/, so that no other process takes them for leftovers (`leftovers`)."""
        if self._claim:
            self._claim.take()

    def release_token(self) -> None:
        if self._claim:
            self._claim.release()

    def prepare_mail_folder(self) -> None:
        """Make the mail folder and claim our token, if that is possible yet."""
        with contextlib.suppress(OSError):
            self.make_folder(self.mail)
            self.claim_token()

    def make_folder(self, path: Path) -> None:
        """Make the folder and those above it. They survive a crash when this has returned."""
        if path in self._durable:
            return
        self.make_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            self.disk.mkdir(str(path), 0o700)
        # A folder that was there is synced too: an earlier try may have failed between making and syncing it.
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

    def write_at(self, fd: int, octets: bytes, offset: int) -> None:
        """Write all of the octets at an offset. The file's position stays."""
        while octets:
            written = self.disk.pwritev(fd, [octets], offset)
            octets, offset = octets[written:], offset + written


def nearest_folder(path: Path) -> Path:
    """The path if it is a folder, else the nearest folder above it that exists."""
    return next(each for each in (path, *path.parents) if each.is_dir())
