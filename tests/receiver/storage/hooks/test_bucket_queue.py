"""The queue of the bucket under `promise = "disk"`: a 250 promises its link, as it does those of hooks."""

from __future__ import annotations

import asyncio
import errno
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver import bucket_queue
from receiver.hook_queue import link_name
from receiver.mailbox import Mailbox
from receiver.one_time import HEARTBEAT_MAILBOX, MAILBOX
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy
from receiver.storage.log.recovery import recover
from tests.receiver.storage.copies import ALICE, BOB, COPIES, SIZE
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.storage.hooks.hooked import HOOKS, LARGE, SMALL, Kept, files, send, store


def queued(mail: Path) -> Kept:
    waiting = bucket_queue.queue(mail)
    return {name: (waiting.pending / name).read_bytes() for name in waiting.pending_names()}


def wanted(name: str, content: bytes) -> Kept:
    return {link_name(name, copy.mailbox): copy.fields + content for copy in COPIES}


@pytest.mark.parametrize("log", [SIZE, 0], ids=["log", "no log"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_each_copy_has_a_hard_link_in_the_queue_and_its_file_stays_private(
    tmp_path: Path, content: bytes, log: int
) -> None:
    mail = store(tmp_path, log=log, hooks=(), bucket=True)
    name = asyncio.run(send(mail, content))
    mail.close()
    assert queued(tmp_path) == wanted(name, content)
    for box in (ALICE, BOB):
        in_new = (tmp_path / box.domain / box.name / "new" / name).stat()
        link = (bucket_queue.queue(tmp_path).pending / link_name(name, box)).stat()
        assert link.st_ino == in_new.st_ino
        assert stat.S_IMODE(in_new.st_mode) == 0o400
    assert sorted(path.name for path in (tmp_path / ".bucket").iterdir()) == ["pending"]
    for folder in (".bucket", ".bucket/pending"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_a_hook_beside_it_still_gets_a_file_that_its_user_can_read(tmp_path: Path) -> None:
    mail = store(tmp_path, bucket=True)
    name = asyncio.run(send(mail, SMALL))
    mail.close()
    modes = [(tmp_path / box.domain / box.name / "new" / name).stat().st_mode for box in (ALICE, BOB)]
    assert [stat.S_IMODE(each) for each in modes] == [0o444, 0o400]
    assert queued(tmp_path) == wanted(name, SMALL)


def test_it_costs_one_link_a_copy_and_nothing_without_the_table(tmp_path: Path) -> None:
    def calls(where: str, bucket: bool) -> list[str]:
        disk = Disk()
        mail = store(tmp_path / where, disk, hooks=(), bucket=bucket)
        asyncio.run(send(mail, SMALL))
        disk.calls.clear()
        asyncio.run(send(mail, SMALL))
        found = [name for name, _ in disk.calls if name not in ("syncfs", "fdatasync")]
        mail.close()
        return found

    without = calls("without", False)
    assert without == ["open", "write", "open", "write", "pwritev", "rename", "rename", "close", "close"]
    assert not (tmp_path / "without" / ".bucket").exists()
    assert sorted(calls("with", True)) == sorted([*without, "link", "link"])


def test_messages_of_our_own_mailboxes_stay_on_this_disk_alone(tmp_path: Path) -> None:
    mail = store(tmp_path, bucket=True)
    boxes = [Mailbox(ALICE.domain, each) for each in (MAILBOX, HEARTBEAT_MAILBOX)]
    asyncio.run(send(mail, SMALL, [Copy(each, b"") for each in boxes]))
    mail.close()
    assert queued(tmp_path) == {}
    assert not (tmp_path / ".bucket").exists()


@pytest.mark.parametrize("log", [SIZE, 0], ids=["log", "no log"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_fault_at_any_system_call_leaves_message_and_links_or_neither(
    tmp_path: Path, content: bytes, log: int
) -> None:
    counting = Disk()
    mail = store(tmp_path / "counting", counting, log=log, hooks=(), bucket=True)
    opened = len(counting.calls)
    asyncio.run(send(mail, content))
    answered = len(counting.calls)
    mail.close()
    refused_at: set[str] = set()
    for at, (call, _) in enumerate(counting.calls[:answered]):
        if at < opened or call == "close":  # What was synced stays synced.
            continue
        folder = tmp_path / str(at)
        folder.mkdir()
        disk = Disk(at, errno.EIO)
        mail = store(folder, disk, log=log, hooks=(), bucket=True)
        name = None
        try:
            name = asyncio.run(send(mail, content))
        except OSError:
            refused_at.add(disk.failed)
        assert queued(folder) == (wanted(name, content) if name else {}), f"{call} as call {at}"
        assert len(files(folder)) == (2 if name else 0)
        assert files(folder, "tmp") == {}
        # A refused message has no record that would bring its links back.
        shutil.copytree(folder, tmp_path / f"{at}.after")
        recover(Folders(tmp_path / f"{at}.after", bucket=True))
        assert len(queued(tmp_path / f"{at}.after")) == (2 if name else 0)
        mail.close()
        disk.close_all()
    assert refused_at >= {"link", "rename", "open"}


DAMAGE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda pending: None,
    "no queue": lambda pending: shutil.rmtree(pending.parent),
    "no links": lambda pending: [each.unlink() for each in pending.iterdir()],
    "links without content": lambda pending: [
        (each.unlink(), each.write_bytes(b"")) for each in pending.iterdir()
    ],
    "a mailbox without its file": lambda pending: [
        *(each.unlink() for each in pending.iterdir()),
        *(each.unlink() for each in pending.parents[1].glob("[!.]*/*/new/*")),
    ],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("hooks", [(), HOOKS], ids=["alone", "with hooks"])
def test_after_a_crash_the_log_brings_each_link_back_with_its_name(
    tmp_path: Path, damage: Callable[[Path], object], hooks: tuple[()]
) -> None:
    before, after = store(tmp_path / "mail", hooks=hooks, bucket=True), tmp_path / "after"
    name = asyncio.run(send(before, SMALL))
    shutil.copytree(tmp_path / "mail", after)  # Its links are files of their own.
    before.close()
    damage(bucket_queue.queue(after).pending)
    recover(Folders(after, hooks=hooks, bucket=True))
    assert queued(after) == wanted(name, SMALL)
    modes = {box: (after / box.domain / box.name / "new" / name).stat().st_mode for box in (ALICE, BOB)}
    assert stat.S_IMODE(modes[ALICE]) == (0o444 if hooks else 0o400)
    assert stat.S_IMODE(modes[BOB]) == 0o400
    assert recover(Folders(after, hooks=hooks, bucket=True)) == 0, "the log was emptied"


def test_a_log_from_before_the_bucket_was_named_fills_its_queue(tmp_path: Path) -> None:
    before, after = store(tmp_path / "mail", hooks=()), tmp_path / "after"
    name = asyncio.run(send(before, SMALL))
    shutil.copytree(tmp_path / "mail", after)
    before.close()
    assert recover(Folders(after, bucket=True)) == 2
    assert queued(after) == wanted(name, SMALL)
