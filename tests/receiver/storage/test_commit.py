"""Group commit: messages that come together are synced together, and fail alone."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from receiver.mailbox import Mailbox
from receiver.storage.disk import keeps_order
from receiver.storage.log.record import Copy
from receiver.storage.store import Store
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

BOXES = [Mailbox("example.test", name) for name in ("alice", "bob")]
NUMBER = 40
ORDERED = pytest.mark.parametrize("ordered", [False, True], ids=["any-disk", "ordered"])


class Failing(Disk):
    """Fails a call of one name if `concerns` is true for its first argument, or for the path of that file."""

    def __init__(self, name: str, concerns: str) -> None:
        super().__init__()
        self.name, self.concerns = name, concerns

    def __getattr__(self, name: str) -> Any:
        call = super().__getattr__(name)

        def maybe(*arguments: Any) -> Any:
            about = self.paths.get(arguments[0], "") if isinstance(arguments[0], int) else arguments[0]
            if name == self.name and self.concerns in about:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return call(*arguments)

        return maybe


async def together(store: Store, number: int = NUMBER) -> list[BaseException | None]:
    """Deliver this number of messages at once, in turn to alice and bob. Returns the outcome of each."""

    async def one(at: int) -> None:
        message = store.incoming(store.identity(), [Copy(BOXES[at % 2], b"Delivered-To: x\r\n")])
        await store.write(message, b"message %d\r\n" % at)
        await store.deliver(message)

    return await asyncio.gather(*(one(at) for at in range(number)), return_exceptions=True)


def stored(mail: Path, part: str = "new") -> list[int]:
    texts = [path.read_bytes() for path in mail.glob(f"*/*/{part}/*")]
    return sorted(int(text.rpartition(b"message ")[2]) for text in texts)


def deliver(mail: Path, disk: Disk, ordered: bool, times: int = 1) -> list[BaseException | None]:
    store = new_store(mail, disk, keeps_order=lambda device: ordered)
    try:
        return [each for _ in range(times) for each in asyncio.run(together(store))]
    finally:
        store.close()


def test_a_group_syncs_each_folder_once(tmp_path: Path) -> None:
    deliver(tmp_path, Disk(), False)  # the Maildirs are there
    disk = Disk()
    store = new_store(tmp_path, disk, keeps_order=lambda device: False)
    for box in BOXES:
        store.folders.prepare(box)
    disk.calls.clear()
    assert asyncio.run(together(store)) == [None] * NUMBER
    store.close()
    folders = [
        disk.paths[fd] for name, fd in disk.calls if name == "fsync" and disk.paths[fd].endswith("/new")
    ]
    assert len(folders) == 2
    assert [name for name, _ in disk.calls].count("fsync") == NUMBER + 2
    assert stored(tmp_path) == sorted([*range(NUMBER)] * 2)


def test_where_order_is_kept_a_group_is_one_sync_after_all_names(tmp_path: Path) -> None:
    disk = Disk()
    assert deliver(tmp_path, disk, True) == [None] * NUMBER
    names = [name for name, _ in disk.calls]
    assert names.count("syncfs") == 1
    assert names.index("syncfs") > max(at for at, name in enumerate(names) if name == "rename")
    assert stored(tmp_path) == [*range(NUMBER)]


def test_a_lone_message_is_synced_by_itself_and_at_once(tmp_path: Path) -> None:
    disk = Disk()
    store = new_store(tmp_path, disk, keeps_order=lambda device: True)
    assert asyncio.run(together(store, 1)) == [None]
    store.close()
    names = [name for name, _ in disk.calls]
    assert "syncfs" not in names
    assert names[names.index("rename") :].count("fsync") == 2


@ORDERED
@pytest.mark.parametrize("call", ["open", "write", "rename"])
def test_an_error_in_one_mailbox_fails_only_its_messages(tmp_path: Path, call: str, ordered: bool) -> None:
    outcomes = deliver(tmp_path, Failing(call, "/bob/tmp"), ordered)
    assert [each is None for each in outcomes] == [at % 2 == 0 for at in range(NUMBER)]
    assert stored(tmp_path) == [*range(0, NUMBER, 2)]
    assert stored(tmp_path, "tmp") == []


def test_a_folder_that_cannot_be_synced_fails_only_the_messages_in_it(tmp_path: Path) -> None:
    outcomes = deliver(tmp_path, Failing("fsync", "/bob/new"), False)
    assert [each is None for each in outcomes] == [at % 2 == 0 for at in range(NUMBER)]
    assert stored(tmp_path) == [*range(0, NUMBER, 2)]


def test_when_the_file_system_cannot_be_synced_each_file_is_asked(tmp_path: Path) -> None:
    class Broken(Failing):
        def __getattr__(self, name: str) -> Any:
            if name == "syncfs":
                return Failing("syncfs", "").__getattr__("syncfs")
            return super().__getattr__(name)

    disk = Broken("fsync", "/bob/tmp")
    outcomes = deliver(tmp_path, disk, True)
    assert [each is None for each in outcomes] == [at % 2 == 0 for at in range(NUMBER)]
    assert stored(tmp_path) == [*range(0, NUMBER, 2)]


def test_after_a_failure_the_next_group_is_taken(tmp_path: Path) -> None:
    outcomes = deliver(tmp_path, Disk(fail_at=200), True, times=2)
    assert len([each for each in outcomes if each is not None]) <= 1
    assert len(stored(tmp_path)) == len([each for each in outcomes if each is None])


def test_order_is_kept_on_ext4_and_xfs_and_on_nothing_else() -> None:
    mounts = "\n".join(
        f"30 1 9{number}:1 / /m{number} rw - {kind} /dev/x rw"
        for number, kind in enumerate(("ext4", "xfs", "btrfs", "tmpfs", "overlay"))
    )
    kept = [keeps_order(os.makedev(90 + number, 1), lambda: mounts) for number in range(6)]
    assert kept == [True, True, False, False, False, False]
