"""The write-ahead log: what is in it survives, nothing else is read from it, an error costs only speed."""

from __future__ import annotations

import asyncio
import errno
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.mailbox import Mailbox
from receiver.storage import record
from receiver.storage.disk import SYSTEM
from receiver.storage.folders import Folders
from receiver.storage.record import Copy, Record, make_record
from receiver.storage.recovery import recover
from receiver.storage.segment import BLOCK, Segment
from receiver.storage.store import Store
from receiver.storage.wal import open_log
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

ALICE, BOB = Mailbox("example.test", "alice"), Mailbox("bücher.example", "b ob")
COPIES = (Copy(ALICE, b"Delivered-To: alice\r\n"), Copy(BOB, b""))
SIZE = 64 * BLOCK


def messages(number: int, seed: int = 1) -> list[Record]:
    chance = random.Random(seed)
    return [
        make_record(f"{seed}.{at}.mx.test", COPIES, chance.randbytes(chance.choice((0, 1, 700, 5000))))
        for at in range(number)
    ]


@pytest.fixture
def segment(tmp_path: Path) -> Iterator[Segment]:
    new = Segment(SYSTEM, str(tmp_path / "0"))
    new.allocate(SIZE)
    yield new
    new.close()


def left_in(path: Path) -> list[Record]:
    """What a recovery would read from a copy of the segment."""
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    again = Segment(SYSTEM, str(copy))
    try:
        return [make_record(each.name, tuple(each.copies), each.content) for each in again.records()]
    finally:
        again.close()


def test_records_come_back_in_order_whatever_groups_they_were_written_in(
    segment: Segment, tmp_path: Path
) -> None:
    sent = messages(12)
    for group in (sent[:1], sent[1:8], sent[8:]):
        assert segment.append(group)
    assert left_in(tmp_path / "0") == sent


def test_each_group_begins_at_a_block_of_its_own(segment: Segment) -> None:
    assert [segment.append([each])[0] % BLOCK for each in messages(5)] == [0] * 5  # type: ignore[index]


def test_an_emptied_segment_has_nothing_and_what_was_in_it_never_comes_back(
    segment: Segment, tmp_path: Path
) -> None:
    for seed in range(20):
        sent = messages(6, seed)
        segment.append(sent[:3])
        segment.append(sent[3:])
        assert left_in(tmp_path / "0") == sent
        segment.empty()
        assert left_in(tmp_path / "0") == []


def test_a_segment_without_room_says_so_and_is_as_it_was(segment: Segment, tmp_path: Path) -> None:
    first = messages(2)
    segment.append(first)
    assert segment.append([make_record("large", COPIES, bytes(SIZE))]) is None
    assert segment.was_short
    assert left_in(tmp_path / "0") == first


def test_a_record_with_a_tombstone_is_left_out_and_those_after_it_are_not(
    segment: Segment, tmp_path: Path
) -> None:
    sent = messages(5)
    begins = segment.append(sent)
    assert begins
    segment.put_tombstone(begins[2])
    assert left_in(tmp_path / "0") == sent[:2] + sent[3:]


def test_any_octet_that_changes_ends_what_is_read_there(segment: Segment, tmp_path: Path) -> None:
    sent = messages(6)
    begins = segment.append(sent)
    assert begins
    whole = (tmp_path / "0").read_bytes()
    chance = random.Random(1)
    end = begins[-1] + record.HEAD + len(sent[-1].body)
    for at in [*(begin + offset for begin in begins for offset in range(record.HEAD)), *range(0, end, 97)]:
        if any(4 <= at - begin < 8 for begin in begins):
            continue  # the tombstone
        octets = bytearray(whole)
        octets[at] ^= chance.randrange(1, 256)
        (tmp_path / "0").write_bytes(octets)
        assert left_in(tmp_path / "0") == sent[: sum(begin <= at for begin in begins) - 1], at


def test_one_process_has_a_segment_at_a_time(segment: Segment) -> None:
    with pytest.raises(BlockingIOError):
        Segment(SYSTEM, segment.path)


def test_after_a_sync_that_failed_no_other_is_believed_until_it_is_emptied(tmp_path: Path) -> None:
    disk = Disk()
    broken = Segment(disk, str(tmp_path / "0"))
    broken.allocate(SIZE)
    assert broken.append(messages(1))
    disk.fail_at = len(disk.calls)
    for _ in range(3):  # the kernel tells of an error once, and has given up what it could not write
        with pytest.raises(OSError, match=r"Input/output error|earlier sync"):
            broken.sync()
    broken.empty()
    assert broken.append(messages(1))
    broken.sync()
    broken.close()


# With a store


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
    """The folder as it is now, without what the file system would have to sync: files without content."""
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


def test_what_cannot_be_recovered_now_is_recovered_later(tmp_path: Path) -> None:
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
    contents = [b"%d" % at * 40_000 for at in range(30)]
    for each in contents:
        assert asyncio.run(send(mail, each)) == [None]
    mail.close()
    assert stored(tmp_path) == sorted(contents)
    syncs = [name for name, _ in disk.calls].count("syncfs")
    assert syncs > 2


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


def test_a_message_that_gets_no_name_is_refused_and_stays_away_after_a_crash(tmp_path: Path) -> None:
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


def test_where_there_is_too_little_room_there_is_no_log(tmp_path: Path) -> None:
    assert open_log(Folders(tmp_path), smallest=1 << 50) is None
    mail = new_store(tmp_path, log=1 << 50)
    assert asyncio.run(send(mail, b"one")) == [None]
    mail.close()
