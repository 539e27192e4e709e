"""The links of hooks: a 250 promises them, a refusal leaves none, and a crash loses none."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from receiver.hook_queue import Hook, link_name, queue
from receiver.mailbox import Mailbox
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy
from receiver.storage.log.recovery import recover
from receiver.storage.store import Store
from tests.receiver.storage.copies import ALICE, BOB, COPIES, SIZE
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

ORDERS, ARCHIVE = Hook("orders", frozenset({ALICE})), Hook("archive", domains=frozenset({ALICE.domain}))
HOOKS = (ORDERS, ARCHIVE)
SMALL, LARGE = b"small", b"large" * 100_000
MANY = [Copy(Mailbox("example.test", f"box{number}"), b"%d\r\n" % number) for number in range(20)]
Kept = dict[str, bytes]  # octets by path


def store(mail: Path, disk: Disk | None = None, *, log: int = SIZE, hooks: Sequence[Hook] = HOOKS) -> Store:
    return new_store(mail, disk or Disk(), log=log, threads=1, hooks=hooks)


async def send(store: Store, content: bytes, copies: Sequence[Copy] = COPIES) -> str:
    """Deliver a message, and return the name of its files. Raises OSError."""
    message = store.incoming(store.identity(), copies)
    try:
        await store.write(message, content)
        await store.deliver(message)
    except OSError:
        await store.abandon(message)
        raise
    return message.name


def files(mail: Path, part: str = "new") -> Kept:
    return {str(path.relative_to(mail)): path.read_bytes() for path in mail.glob(f"[!.]*/*/{part}/*")}


def links(mail: Path) -> Kept:
    return {
        str(path.relative_to(mail / ".hooks")): path.read_bytes() for path in mail.glob(".hooks/*/pending/*")
    }


def wanted_links(name: str, content: bytes) -> Kept:
    octets = COPIES[0].fields + content
    return {f"{hook.name}/pending/{link_name(name, ALICE)}": octets for hook in HOOKS}


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


def crashed(tmp_path: Path, damage: Callable[[Path, str], object] = lambda *_: None) -> tuple[Path, str]:
    """A mail folder as a crash may leave it, with its log, and the name of the one message in it."""
    before, after = store(tmp_path / "mail"), tmp_path / "after"
    name = asyncio.run(send(before, SMALL))
    shutil.copytree(tmp_path / "mail", after)  # Its links are files of their own.
    before.close()
    damage(after, name)
    return after, name


def link(mail: Path, name: str, hook: Hook = ORDERS) -> Path:
    return queue(mail, hook.name).pending / link_name(name, ALICE)


def in_new(mail: Path, name: str) -> Path:
    return mail / ALICE.domain / ALICE.name / "new" / name


def _plant(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


DAMAGE: dict[str, Callable[[Path, str], object]] = {
    "nothing": lambda mail, name: None,
    "no queues": lambda mail, name: shutil.rmtree(mail / ".hooks"),
    "no link": lambda mail, name: link(mail, name).unlink(),
    "a link without content": lambda mail, name: link(mail, name).write_bytes(b""),
    "a link with other content": lambda mail, name: link(mail, name).write_bytes(b"x" * 1000),
    "a link that its user cannot read": lambda mail, name: link(mail, name).chmod(0o600),
    "a symbolic link": lambda mail, name: _plant(
        link(mail, name), lambda path: path.symlink_to(in_new(mail, name))
    ),
    "a pipe": lambda mail, name: _plant(link(mail, name), os.mkfifo),
    "no file": lambda mail, name: in_new(mail, name).unlink(),
    "no file and no link": lambda mail, name: (in_new(mail, name).unlink(), link(mail, name).unlink()),
    "a file without content, and its links": lambda mail, name: [
        path.write_bytes(b"") for path in (in_new(mail, name), *(link(mail, name, each) for each in HOOKS))
    ],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_after_a_crash_each_link_is_there_whole_under_its_name(
    tmp_path: Path, damage: Callable[[Path, str], object]
) -> None:
    mail, name = crashed(tmp_path, damage)
    recover(Folders(mail, hooks=HOOKS))
    assert links(mail) == wanted_links(name, SMALL)
    assert not link(mail, name).is_symlink()
    assert in_new(mail, name).read_bytes() == COPIES[0].fields + SMALL
    assert stat.S_IMODE(link(mail, name).stat().st_mode) == 0o444
    shutil.rmtree(mail / ".hooks")
    assert recover(Folders(mail, hooks=HOOKS)) == 0, "the log is empty now"
    assert links(mail) == {}


def test_a_message_that_was_read_before_the_crash_is_linked_where_it_lies(tmp_path: Path) -> None:
    def read(mail: Path, name: str) -> None:
        shutil.rmtree(mail / ".hooks")
        in_new(mail, name).rename(in_new(mail, name).parents[1] / "cur" / f"{name}:2,S")

    mail, name = crashed(tmp_path, read)
    assert recover(Folders(mail, hooks=HOOKS)) == 2
    assert links(mail) == wanted_links(name, SMALL)
    (file,) = (mail / ALICE.domain / ALICE.name / "cur").iterdir()
    assert link(mail, name).samefile(file)


def test_a_message_that_goes_while_it_is_recovered_keeps_its_links(tmp_path: Path) -> None:
    class Reader(Disk):
        """Removes the message at the moment at which its first link is made."""

        def link(self, source: str, target: str, /) -> None:
            Path(source).unlink(missing_ok=True)
            os.link(source, target)

    mail, name = crashed(tmp_path, DAMAGE["no queues"])
    assert recover(Folders(mail, Reader(), hooks=HOOKS)) == 2
    assert links(mail) == wanted_links(name, SMALL)
    assert not in_new(mail, name).exists()
    assert sorted(path.name for path in queue(mail, "orders").folder.iterdir()) == ["dead", "pending"]


def test_a_link_that_was_made_before_its_name_is_never_seen_in_part(tmp_path: Path) -> None:
    def before_the_name(mail: Path, name: str) -> None:
        shutil.rmtree(mail / ".hooks")
        in_tmp = in_new(mail, name).parents[1] / "tmp" / name
        in_new(mail, name).rename(in_tmp)
        for hook in HOOKS:
            queue(mail, hook.name).pending.mkdir(parents=True)
            link(mail, name, hook).hardlink_to(in_tmp)

    class Watched(Disk):
        """Looks at the link at each system call, as a hook's process may that did not die."""

        def __getattr__(self, call: str) -> Callable[..., object]:
            assert link(mail, name).read_bytes() == COPIES[0].fields + SMALL, call
            return super().__getattr__(call)

    mail, name = crashed(tmp_path, before_the_name)
    recover(Folders(mail, Watched(), hooks=HOOKS))
    assert links(mail) == wanted_links(name, SMALL)
    assert in_new(mail, name).read_bytes() == COPIES[0].fields + SMALL


def test_a_queue_that_cannot_be_written_keeps_no_message_from_its_mailbox_and_no_link_is_forgotten(
    tmp_path: Path,
) -> None:
    def in_the_way(mail: Path, name: str) -> None:
        shutil.rmtree(mail / ".hooks")
        in_new(mail, name).unlink()
        (mail / ".hooks").touch()

    mail, name = crashed(tmp_path, in_the_way)
    recover(Folders(mail, hooks=HOOKS))
    assert in_new(mail, name).exists()
    (mail / ".hooks").unlink()
    assert recover(Folders(mail, hooks=HOOKS)) == 2
    assert links(mail) == wanted_links(name, SMALL)


def test_a_recovery_that_fails_at_any_system_call_is_done_by_the_next_one(tmp_path: Path) -> None:
    left, name = crashed(tmp_path, DAMAGE["a file without content, and its links"])
    for at in range(200):
        mail = tmp_path / str(at)
        shutil.copytree(left, mail)
        disk = Disk(at, errno.ENOSPC)
        recover(Folders(mail, disk, hooks=HOOKS))
        failed = disk.failed
        disk.close_all()
        recover(Folders(mail, hooks=HOOKS))
        assert links(mail) == wanted_links(name, SMALL), failed
        if not failed:
            break
    assert at > 20
