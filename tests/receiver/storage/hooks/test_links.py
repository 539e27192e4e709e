"""The links of hooks: a 250 promises them, and a refusal leaves none."""

from __future__ import annotations

import asyncio
import errno
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from receiver.hook_queue import Hook, link_name, queue
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy
from receiver.storage.log.recovery import recover
from tests.receiver.storage.copies import ALICE, BOB, COPIES, SIZE
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.storage.hooks.hooked import (
    HOOKS,
    LARGE,
    MANY,
    SMALL,
    files,
    links,
    send,
    store,
    wanted_links,
)


@pytest.mark.parametrize("log", [SIZE, 0], ids=["log", "no log"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_each_hook_gets_a_hard_link_that_its_user_can_read_and_other_mail_stays_private(
    tmp_path: Path, content: bytes, log: int
) -> None:
    mail = store(tmp_path, log=log)
    name = asyncio.run(send(mail, content))
    mail.close()
    assert links(tmp_path) == wanted_links(name, content)
    in_new = {box: (tmp_path / box.domain / box.name / "new" / name).stat() for box in (ALICE, BOB)}
    for hook in HOOKS:
        link = (queue(tmp_path, hook.name).pending / link_name(name, ALICE)).stat()
        assert link.st_ino == in_new[ALICE].st_ino
    assert [stat.S_IMODE(in_new[box].st_mode) for box in (ALICE, BOB)] == [0o444, 0o400]
    for folder in (".hooks", ".hooks/orders", ".hooks/orders/pending", ".hooks/orders/dead"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_without_hooks_the_system_calls_are_those_of_a_receiver_that_knows_none(tmp_path: Path) -> None:
    def calls(where: str, hooks: Sequence[Hook]) -> list[str]:
        disk = Disk()
        mail = store(tmp_path / where, disk, hooks=hooks)
        asyncio.run(send(mail, SMALL))
        disk.calls.clear()
        asyncio.run(send(mail, SMALL))
        found = [name for name, _ in disk.calls if name not in ("syncfs", "fdatasync")]
        mail.close()
        return found

    without = ["open", "write", "open", "write", "pwritev", "rename", "rename", "close", "close"]
    assert calls("without", ()) == without
    assert not (tmp_path / "without" / ".hooks").exists()
    assert sorted(calls("with", HOOKS)) == sorted([*without, "fchmod", "link", "link"])


def test_with_a_log_the_links_come_after_its_sync_and_before_the_names(tmp_path: Path) -> None:
    disk = Disk()
    mail = store(tmp_path, disk)
    asyncio.run(send(mail, SMALL))
    disk.calls.clear()
    asyncio.run(send(mail, SMALL))
    mail.close()
    names = [name for name, _ in disk.calls]
    assert names.index("fdatasync") < names.index("link")
    assert len(names) - names[::-1].index("link") - 1 < names.index("rename")


@pytest.mark.parametrize("copies", [COPIES, [*COPIES, *MANY]], ids=["2 copies", "22 copies"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_without_a_log_the_queues_are_synced_after_the_links(
    tmp_path: Path, content: bytes, copies: Sequence[Copy]
) -> None:
    disk = Disk()
    mail = store(tmp_path, disk, log=0)
    asyncio.run(send(mail, content, copies))
    disk.calls.clear()
    disk.synced.clear()
    asyncio.run(send(mail, content, copies))
    mail.close()
    names = [name for name, _ in disk.calls]
    last_link = len(names) - names[::-1].index("link") - 1
    for hook in HOOKS:
        pending = str(queue(tmp_path, hook.name).pending)
        assert pending in disk.synced
        assert disk.calls.index(("open", pending)) > last_link, "synced after the last link"
    assert names.count("link") == sum(hook.wants(copy.mailbox) for hook in HOOKS for copy in copies)


@pytest.mark.parametrize("log", [SIZE, 0], ids=["log", "no log"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_fault_at_any_system_call_leaves_message_and_links_or_neither(
    tmp_path: Path, content: bytes, log: int
) -> None:
    counting = Disk()
    mail = store(tmp_path / "counting", counting, log=log)
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
        mail = store(folder, disk, log=log)
        name = None
        try:
            name = asyncio.run(send(mail, content))
        except OSError:
            refused_at.add(disk.failed)
        assert links(folder) == (wanted_links(name, content) if name else {}), f"{call} as call {at}"
        assert len(files(folder)) == (2 if name else 0)
        assert files(folder, "tmp") == {}
        # A refused message has no record that would bring its links back.
        shutil.copytree(folder, tmp_path / f"{at}.after")
        recover(Folders(tmp_path / f"{at}.after", hooks=HOOKS))
        assert len(links(tmp_path / f"{at}.after")) == (2 if name else 0)
        disk.fail_at = -1
        asyncio.run(send(mail, content))
        mail.close()
        disk.close_all()
        assert len(links(folder)) == (4 if name else 2)
    assert refused_at >= {"link", "fchmod", "rename", "open"}


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.ENOSPC, errno.EDQUOT, errno.EPERM])
def test_a_link_that_cannot_be_made_is_an_error_of_the_message(tmp_path: Path, number: int) -> None:
    counting = Disk()
    mail = store(tmp_path / "counting", counting)
    asyncio.run(send(mail, SMALL))
    mail.close()
    for at in (at for at, (call, _) in enumerate(counting.calls) if call == "link"):
        mail = store(tmp_path / str(at), Disk(at, number))
        with pytest.raises(OSError) as raised:
            asyncio.run(send(mail, SMALL))
        assert raised.value.errno == number
        mail.close()
        assert files(tmp_path / str(at)) == links(tmp_path / str(at)) == {}


@pytest.mark.parametrize("part", ["pending", ".", ".."])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_queue_that_somebody_removed_is_made_again(tmp_path: Path, part: str, content: bytes) -> None:
    mail = store(tmp_path)
    asyncio.run(send(mail, content))
    shutil.rmtree((queue(tmp_path, "orders").folder / part).resolve())
    name = asyncio.run(send(mail, content))
    mail.close()
    assert links(tmp_path).items() >= wanted_links(name, content).items()


def test_a_link_in_the_place_of_a_queue_is_not_followed_into_another_mailbox(tmp_path: Path) -> None:
    mail = store(tmp_path)
    asyncio.run(send(mail, SMALL))
    mail.close()
    before = files(tmp_path)
    pending = queue(tmp_path, "orders").pending
    pending.rename(pending.with_name("old"))
    pending.symlink_to(tmp_path / BOB.domain / BOB.name / "new")
    mail = store(tmp_path)
    with pytest.raises(NotADirectoryError):
        asyncio.run(send(mail, SMALL))
    mail.close()
    assert files(tmp_path) == before
