"""Receivers that must be caught: each is a program that comes before the receiver's own, and breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.receiver.durability.hooks import HOOKS
from tests.receiver.durability.load import recover

_LIE = "from receiver.storage.disk import SystemDisk as Disk; nothing = lambda *_: None; "
WITHOUT_LOG = "from receiver.storage import pipeline; pipeline.open_log = lambda *_, **__: None; "
# Ways in which a receiver may wrongly trust the file system, or forget.
LIARS = {
    "no sync at all": _LIE + "Disk.fsync = Disk.fdatasync = Disk.syncfs = Disk.write_out = nothing",
    "no sync of its log": _LIE + "Disk.fdatasync = nothing",
    "no sync before its log is emptied": _LIE + "Disk.fsync = Disk.syncfs = nothing",
    "no recovery": "",
    "no log, and no sync after the names": WITHOUT_LOG + _LIE + "Disk.fsync = Disk.syncfs = nothing",
    "no log, and no content before the names": WITHOUT_LOG + _LIE + "Disk.write_out = nothing",
}
# Receivers that keep all mail, and lose what they owe the hooks.
HOOK_LIARS = {
    "no log, and the links of hooks after the reply": WITHOUT_LOG
    + "from receiver.storage.folders import Folders; from receiver.storage.incoming import Incoming; "
    + "from threading import Timer; "
    + "links, close = Folders.links, Incoming.close; Folders.links = lambda *_: (); "
    + "Incoming.close = lambda it: (close(it), [Timer(0.05, os.link, (it._path(copy, 'new'), link)).start()"
    + " for copy in it.copies for link in links(it._folders, copy.mailbox, it.name)])",
    "no recovery of links": "",
}


def recovery_of(liar: str) -> Callable[[Path], int]:
    """What recovers the mail folder after the cut, as that liar would."""
    if liar == "no recovery":
        return lambda mail: 0
    if liar == "no recovery of links":
        return recover
    return lambda mail: recover(mail, HOOKS)
