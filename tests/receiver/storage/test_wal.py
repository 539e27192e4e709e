"""The write-ahead log: its messages survive a crash, and an error in it costs only speed."""

from __future__ import annotations

import asyncio
import errno
import shutil
from pathlib import Path

import pytest

from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.log.recovery import recover
from receiver.storage.log.wal import open_log
from receiver.storage.store import Store
from tests.receiver.processes import wait_until
from tests.receiver.storage.copies import ALICE, BOB, COPIES, SIZE
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store


def store(mail: Path, disk: Disk | None = None) -> Store:
    return new_store(mail, disk or Disk(), log=SIZE, threads=2)


async def send(store: Store, *contents: bytes) -> list[BaseException | None]:
    async def one(content: bytes) -> None:
        message = store.incoming(store.identity(), COPIES)
        await store.write(message, content)
        await store.deliver(message)

    return await asyncio.gather(*(one(each) for each in contents), return_exceptions=True)


def stored(mail: Path, box: Mailbox = ALICE, part: str = "new") -> list[bytes]:
    folder = mail / box.domain / box.name / part
    fields = {copy.mailbox: copy.fields for copy in COPIES}[box]
    return sorted(path.read_bytes().removeprefix(fields) for path in folder.iterdir())


def test_a_group_of_small_messages_is_one_sync_before_all_names(tmp_path: Path) -> None:
    contents = sorted(b"message %d" % at for at in range(20))
    disk = Disk()
    mail = store(tmp_path, disk)
    for box in (ALICE, BOB):
        mail.folders.prepare(box)
    disk.calls.clear()
    assert asyncio.run(send(mail, *contents)) == [None] * 20
    names = [name for name, _ in disk.calls]
    assert names.count("fdatasync") == 1
    assert "fsync" not in names
    assert names.index("fdatasync") < names.index("rename")
    assert stored(tmp_path) == stored(tmp_path, BOB) == contents
    mail.close()


def crash(mail: Path, into: Path) -> None:
    """Copy the folder as a crash might leave it: the message files have lost their content."""
    shutil.copytree(mail, into)
    for path in into.glob("*/*/new/*"):
        path.write_bytes(b"")


def test_after_a_crash_every_message_is_there_whole_and_once(tmp_path: Path) -> None:
    contents = sorted(b"message %d" % at for at in range(20))
    before = store(tmp_path / "mail")
    asyncio.run(send(before, *contents))
    crash(tmp_path / "mail", tmp_path / "after")
    seen = min((tmp_path / "after" / "example.test" / "alice" / "new").iterdir())
    seen.rename(seen.parents[1] / "cur" / f"{seen.name}:2,S")
    shutil.rmtree(tmp_path / "after" / BOB.domain)
    before.close()

    after = new_store(tmp_path / "after")
    assert recover(after.folders) == 40
    assert (
        sorted(stored(after.folders.mail) + stored(after.folders.mail, part="cur"))
        == stored(after.folders.mail, BOB)
        == contents
    )
    assert len(stored(after.folders.mail, part="cur")) == 1
    assert recover(after.folders) == 0
    after.close()


def test_a_clean_end_leaves_nothing_to_recover(tmp_path: Path) -> None:
    before = store(tmp_path)
    asyncio.run(send(before, b"one"))
    before.close()
    shutil.rmtree(tmp_path / "example.test")
    after = new_store(tmp_path)
    assert recover(after.folders) == 0
    after.close()


def test_a_segment_in_use_is_not_recovered_by_another(tmp_path: Path) -> None:
    one = store(tmp_path)
    asyncio.run(send(one, b"one"))
    shutil.rmtree(tmp_path / "example.test")
    other = store(tmp_path)
    assert recover(other.folders) == 0
    for each in (one, other):
        each.close()


def test_messages_that_cannot_be_recovered_now_are_recovered_later(tmp_path: Path) -> None:
    before = store(tmp_path / "mail")
    asyncio.run(send(before, b"one", b"two"))
    crash(tmp_path / "mail", tmp_path / "after")
    before.close()
    for at in range(200):
        disk = Disk(fail_at=at, number=errno.ENOSPC)
        recover(Folders(tmp_path / "after", disk))
        after = new_store(tmp_path / "after", disk, log=SIZE)
        outcome = asyncio.run(send(after, b"meanwhile"))
        failed = len(disk.calls) > at
        assert outcome == [None] or failed
        after.close()
        disk.close_all()
        if not failed:
            break
    assert set(stored(tmp_path / "after")) == {b"one", b"two", b"meanwhile"}
    assert stored(tmp_path / "after").count(b"one") == 1


def test_mail_goes_on_while_both_segments_are_full_and_they_are_used_again(tmp_path: Path) -> None:
    disk = Disk()
    mail = store(tmp_path, disk)
    contents: list[bytes] = []

    def both_were_emptied_and_one_again() -> bool:
        contents.append(b"%d" % len(contents) * 40_000)
        assert asyncio.run(send(mail, contents[-1])) == [None]
        # A disk that others use may be long at a syncfs, and meanwhile mail goes without the log.
        return len(contents) >= 30 and [name for name, _ in disk.calls].count("syncfs") > 2

    wait_until(both_were_emptied_and_one_again, lambda: disk.calls)
    mail.close()
    assert stored(tmp_path) == sorted(contents)


@pytest.mark.parametrize("call", ["pwritev", "fdatasync"])
def test_a_log_that_fails_costs_no_message(tmp_path: Path, call: str) -> None:
    counting = Disk()
    mail = store(tmp_path / "counting", counting)
    began = len(counting.calls)
    asyncio.run(send(mail, b"one"))
    mail.close()
    at = next(at for at, (name, _) in enumerate(counting.calls) if at >= began and name == call)
    mail = store(tmp_path / "mail", Disk(at))
    assert asyncio.run(send(mail, b"one")) == [None]
    assert asyncio.run(send(mail, b"two")) == [None]
    mail.close()
    assert stored(tmp_path / "mail") == [b"one", b"two"]


def test_a_message_that_gets_no_name_is_refused_and_not_recovered(tmp_path: Path) -> None:
    counting = Disk()
    mail = store(tmp_path / "counting", counting)
    asyncio.run(send(mail, b"one"))
    mail.close()
    renames = [at for at, (name, _) in enumerate(counting.calls) if name == "rename"]
    assert len(renames) == 2
    for at in renames:
        mail = store(tmp_path / str(at), Disk(at))
        (outcome,) = asyncio.run(send(mail, b"one"))
        assert isinstance(outcome, OSError)
        assert not list((tmp_path / str(at)).glob("*/*/*/*"))
        shutil.copytree(tmp_path / str(at), tmp_path / f"{at}.after")
        mail.close()
        after = new_store(tmp_path / f"{at}.after")
        assert recover(after.folders) == 0
        after.close()


def test_without_enough_room_there_is_no_log(tmp_path: Path) -> None:
    assert open_log(Folders(tmp_path), smallest=1 << 50) is None
    mail = new_store(tmp_path, log=1 << 50)
    assert asyncio.run(send(mail, b"one")) == [None]
    mail.close()
