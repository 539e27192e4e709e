"""The queues of hooks: names that stay the same, and lists in the order in which mail came."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from receiver.config.load import LONGEST_HOSTNAME
from receiver.hook_queue import digits, file_of, is_hook_name, link_name, queue, queues
from receiver.mailbox import MAX_FOLDER_NAME, Mailbox

ALICE, BOB = Mailbox("example.com", "alice"), Mailbox("example.com", "bob")
FILE = "1795638601.M443342P23500Q7R0123abcd.mx1.example.com"


def test_a_link_is_named_for_file_and_mailbox_and_its_name_never_changes() -> None:
    assert digits(ALICE) == "ff8d9819"  # printf %s alice@example.com | sha256sum
    assert link_name(FILE, ALICE) == f"{FILE}.ff8d9819"
    assert link_name(FILE, BOB) == f"{FILE}.5ff860bf"
    assert file_of(link_name(FILE, ALICE)) == FILE
    assert file_of(FILE) is None


def test_the_longest_name_fits_into_a_folder() -> None:
    longest = f"1795638601.M443342P4194304Q99999999R0123abcd.{'h' * LONGEST_HOSTNAME}"
    assert len(link_name(longest, ALICE)) <= MAX_FOLDER_NAME


def test_names_of_hooks() -> None:
    assert all(map(is_hook_name, ("a", "orders", "orders-2", "x" * 32)))
    assert not any(map(is_hook_name, ("", "2nd", "-a", "A", "a.b", "a/b", "a\n", "é", "x" * 33)))


def test_a_queue_lists_its_messages_the_oldest_first_and_nothing_else(tmp_path: Path) -> None:
    orders = queue(tmp_path, "orders")
    assert orders.folder == tmp_path / ".hooks" / "orders"
    assert orders.pending_names() == orders.dead_names() == []
    orders.pending.mkdir(parents=True)
    names = [
        f"{second}.M{microsecond:06d}P1Q1R0.mx.00000000" for second in (999, 1000) for microsecond in (2, 10)
    ]
    for name in (*reversed(names), "README", f"{'9' * 100}.x.0000000g"):
        (orders.pending / name).touch()
    assert orders.pending_names() == names
    for number, make in enumerate((Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/passwd"))):
        make(orders.pending / f"1.M{number}P1Q1R0.mx.00000000")  # What no receiver has put there.
    assert orders.pending_names() == names
    orders.dead.mkdir()
    (orders.pending / names[0]).rename(orders.dead / names[0])
    assert (orders.pending_names(), orders.dead_names()) == (names[1:], names[:1])


def test_all_queues_are_found_also_those_of_hooks_that_are_gone(tmp_path: Path) -> None:
    assert queues(tmp_path) == []
    for name in ("orders", "archive", ".lost+found", "Not-a-hook"):
        (tmp_path / ".hooks" / name).mkdir(parents=True)
    (tmp_path / ".hooks" / "file").touch()
    assert [each.hook for each in queues(tmp_path)] == ["archive", "orders"]


def test_a_link_in_the_place_of_a_folder_is_an_error_and_not_followed(tmp_path: Path) -> None:
    orders, other = queue(tmp_path, "orders"), queue(tmp_path, "other")
    other.pending.mkdir(parents=True)
    (other.pending / "1.M1P1Q1R0.mx.00000000").touch()
    orders.folder.mkdir()
    orders.pending.symlink_to(other.pending)
    with pytest.raises(NotADirectoryError):
        orders.pending_names()
    orders.pending.unlink()
    orders.pending.symlink_to("nowhere")
    with pytest.raises(NotADirectoryError):
        orders.pending_names()
