"""Stores for tests, with any disk, with or without a log, and without a process of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from receiver.hook_queue import Hook
from receiver.storage import disk as disks
from receiver.storage.disk import SYSTEM, Disk
from receiver.storage.folders import Folders
from receiver.storage.log.wal import open_log
from receiver.storage.store import Store


def new_store(
    mail: Path,
    disk: Disk = SYSTEM,
    *,
    keeps_order: Callable[[int], bool] = disks.keeps_order,
    log: int = 0,
    threads: int = 16,
    hooks: Sequence[Hook] = (),
    bucket: bool = False,
) -> Store:
    """Make a store. `log` is the size of a segment in octets, or 0 for no log.

    With `bucket` it has the bucket's queue.
    """
    folders = Folders(mail, disk, keeps_order=keeps_order, hooks=hooks, bucket=bucket)
    opened = open_log(folders, smallest=log, largest=log) if log else None
    return Store(folders, "mx.test", log=opened, threads=threads)
