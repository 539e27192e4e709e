"""The journal: nothing that `add` returned for is forgotten, in any number, by several processes at once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from receiver.storage.folders import Folders
from receiver.transfer.journal import Journal


def entries(first: int, last: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest()[:16] for number in range(first, last)]


def test_many_entries_are_kept_in_order_and_found(tmp_path: Path) -> None:
    journal, other = Journal(Folders(tmp_path)), Journal(Folders(tmp_path))
    for at in range(0, 150_000, 10_000):
        journal.add(entries(at, at + 10_000))
        journal.add(entries(at, at + 10))
    other.refresh()
    for each in (journal, other, Journal(Folders(tmp_path))):
        assert all(entry in each for entry in entries(0, 150_000))
        assert not any(entry in each for entry in entries(150_000, 151_000))
    octets = (journal.folder / "sorted").read_bytes()
    found = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    assert found == sorted(set(found))
    assert len(octets) + (journal.folder / "recent").stat().st_size == 150_000 * 16


def test_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    children = []
    for number in range(4):
        child = os.fork()
        if not child:
            code = 1
            try:
                journal = Journal(Folders(tmp_path))
                for at in range(number * 40_000, (number + 1) * 40_000, 4000):
                    journal.add(entries(at, at + 4000))
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    journal = Journal(Folders(tmp_path))
    assert all(entry in journal for entry in entries(0, 160_000))


def test_a_journal_that_was_removed_is_empty_and_can_be_written(tmp_path: Path) -> None:
    journal = Journal(Folders(tmp_path))
    journal.add(entries(0, 10))
    for path in journal.folder.iterdir():
        path.unlink()
    journal.folder.rmdir()
    journal.refresh()
    assert entries(0, 1)[0] not in journal
    journal.add(entries(5, 6))
    assert entries(5, 6)[0] in Journal(Folders(tmp_path))
