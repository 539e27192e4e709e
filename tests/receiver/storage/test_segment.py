"""A segment of the write-ahead log gives back whole records only, and exactly those that were appended."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver.storage.disk import SYSTEM
from receiver.storage.log import record
from receiver.storage.log.record import Record, make_record
from receiver.storage.log.segment import BLOCK, Segment
from tests.receiver.storage.copies import COPIES, SIZE
from tests.receiver.storage.faulty_disk import Disk


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


def test_records_of_an_emptied_segment_never_come_back(segment: Segment, tmp_path: Path) -> None:
    for seed in range(20):
        sent = messages(6, seed)
        segment.append(sent[:3])
        segment.append(sent[3:])
        assert left_in(tmp_path / "0") == sent
        segment.empty()
        assert left_in(tmp_path / "0") == []


def test_a_segment_without_room_says_so_and_stays_unchanged(segment: Segment, tmp_path: Path) -> None:
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


def test_records_from_a_changed_octet_on_are_not_read(segment: Segment, tmp_path: Path) -> None:
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


def test_only_one_process_can_open_a_segment(segment: Segment) -> None:
    with pytest.raises(BlockingIOError):
        Segment(SYSTEM, segment.path)


def test_after_a_failed_sync_no_sync_succeeds_until_the_segment_is_emptied(tmp_path: Path) -> None:
    disk = Disk()
    broken = Segment(disk, str(tmp_path / "0"))
    broken.allocate(SIZE)
    assert broken.append(messages(1))
    disk.fail_at = len(disk.calls)
    for _ in range(3):  # The kernel reports an error once, and then drops what it could not write.
        with pytest.raises(OSError, match=r"Input/output error|earlier sync"):
            broken.sync()
    broken.empty()
    assert broken.append(messages(1))
    broken.sync()
    broken.close()
