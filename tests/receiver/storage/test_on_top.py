"""Header fields that are known only when a message is complete stand above those that all copies share."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from receiver.mailbox import Mailbox
from receiver.storage.disk import SYSTEM
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy
from receiver.storage.log.recovery import recover
from receiver.storage.store import Store
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

SHARED, SLOT = b"Received: shared\r\n", 200
SMALL, LARGE = [b"A: b\r\n\r\nsmall\r\n"], [b"%07d\r\n" % number * 1000 for number in range(60)]


class _Slow(Disk):
    """A disk on which a write takes a few octets only."""

    def pwritev(self, fd: int, pieces: Sequence[bytes], offset: int) -> int:
        return SYSTEM.pwritev(fd, [b"".join(pieces)[:7]], offset)


def copies(number: int) -> list[Copy]:
    return [Copy(Mailbox("a.test", f"box{each}"), b"To: %d\r\n" % each) for each in range(number)]


def top_for(message: Any) -> bytes:
    """The fields for the top: short ones, or as many octets as there is room for."""
    return b"Result: good\r\n" if not message.room_on_top else b"R: %s\r\n" % (b"x" * (SLOT - 5))


async def deliver(store: Store, content: list[bytes], number: int) -> bytes:
    message = store.incoming(store.identity(), copies(number), SHARED, SLOT)
    try:
        for piece in content:
            await store.write(message, piece)
        top = top_for(message)
        message.put_on_top(top)
        assert message.size == sum(map(len, content))
        await store.deliver(message)
    except OSError:
        await store.abandon(message)
        raise
    return top


def files(mail: Path) -> dict[str, bytes]:
    return {f"{path.parts[-3]}/{path.parts[-2]}": path.read_bytes() for path in mail.glob("a.test/*/*/*")}


@pytest.mark.parametrize("number", [1, 2, 17])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("log", [0, 1 << 20])
def test_every_copy_has_them_between_its_own_fields_and_the_shared_ones(
    tmp_path: Path, content: list[bytes], number: int, log: int
) -> None:
    store = new_store(tmp_path, _Slow() if not log else SYSTEM, log=log)
    top = asyncio.run(deliver(store, content, number))
    store.close()
    assert len(top) == (SLOT if content is LARGE else 14)
    assert files(tmp_path) == {
        f"box{each}/new": b"To: %d\r\n" % each + top + SHARED + b"".join(content) for each in range(number)
    }


def test_a_fault_at_any_call_leaves_nothing_and_the_next_message_is_whole(tmp_path: Path) -> None:
    failed: set[str] = set()
    for fail_at in range(1000):
        mail = tmp_path / str(fail_at)
        disk = Disk(fail_at, errno.ENOSPC)
        store = new_store(mail, disk, threads=1)
        try:
            asyncio.run(deliver(store, LARGE, 2))
        except OSError:
            assert files(mail) == {}, f"after {disk.failed}"
        else:
            assert len(files(mail)) == 2
        done, disk.fail_at = not disk.failed, -1
        failed.add(disk.failed)
        asyncio.run(deliver(store, LARGE, 2))
        assert {len(each) for each in files(mail).values()} == {7 + SLOT + len(SHARED) + 540_000}
        store.close()
        disk.close_all()
        if done:
            break
    assert failed >= {"pwritev", "write", "open", "rename", "fsync"}


def test_a_message_that_only_the_log_has_comes_back_with_them(tmp_path: Path) -> None:
    store = new_store(tmp_path / "mail", log=1 << 20)
    asyncio.run(deliver(store, SMALL, 2))
    shutil.copytree(tmp_path / "mail", tmp_path / "after")
    store.close()
    for path in (tmp_path / "after").glob("a.test/*/new/*"):
        path.write_bytes(b"")
    assert recover(Folders(tmp_path / "after")) == 2
    assert files(tmp_path / "after") == files(tmp_path / "mail")
