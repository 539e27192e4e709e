"""The links of hooks after a crash: none is lost, each is whole, and none changes its name."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.hook_queue import Hook, link_name, queue
from receiver.storage.folders import Folders
from receiver.storage.log.recovery import recover
from tests.receiver.storage.copies import ALICE, COPIES
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.storage.hooks.hooked import (
    ARCHIVE,
    HOOKS,
    ORDERS,
    SMALL,
    files,
    links,
    send,
    store,
    wanted_links,
)


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


IN_THE_WAY: dict[str, Callable[[Path], object]] = {
    "an empty folder": Path.mkdir,
    "a folder with a file": lambda path: (path.mkdir(), (path / "file").touch()),
    "a file of its user": lambda path: (path.touch(0o600), os.chown(path, 61_000, 61_000)),
}


@pytest.mark.parametrize("hook", HOOKS, ids=["the first hook", "the last hook"])
@pytest.mark.parametrize("make", IN_THE_WAY.values(), ids=IN_THE_WAY.keys())
def test_what_a_hooks_user_puts_in_the_place_of_a_link_gets_another_name_and_holds_nothing_up(
    tmp_path: Path, make: Callable[[Path], object], hook: Hook
) -> None:
    if make is IN_THE_WAY["a file of its user"] and os.geteuid():
        pytest.skip("makes a file of another user")
    mail, name = crashed(tmp_path)
    for each in HOOKS:
        link(mail, name, each).unlink()
    make(link(mail, name, hook))
    assert recover(Folders(mail, hooks=HOOKS)) == 2
    for each in HOOKS:
        assert link(mail, name, each).read_bytes() == COPIES[0].fields + SMALL
    (other,) = (
        each for each in link(mail, name, hook).parent.iterdir() if each.name != link(mail, name).name
    )
    assert other.name.startswith(".in-the-way-")
    assert queue(mail, hook.name).pending_names() == [link_name(name, ALICE)]
    assert recover(Folders(mail, hooks=HOOKS)) == 0, "the log is empty now"


def test_a_hook_that_stays_in_the_way_brings_no_removed_message_back_at_each_start(tmp_path: Path) -> None:
    class Rogue(Disk):
        """Puts a folder in the place of the link whenever it could be made."""

        def _again(self, path: str) -> None:
            if "/orders/pending/" in path:
                Path(path).mkdir(exist_ok=True)

        def unlink(self, path: str, /) -> None:
            Path(path).unlink()
            self._again(path)

        def rename(self, source: str, target: str, /) -> None:
            Path(source).rename(target)
            self._again(source)

    mail, name = crashed(tmp_path, lambda mail, name: [link(mail, name, each).unlink() for each in HOOKS])
    link(mail, name).mkdir()
    recover(Folders(mail, Rogue(), hooks=HOOKS))
    assert link(mail, name, ARCHIVE).read_bytes() == COPIES[0].fields + SMALL
    assert link(mail, name).is_dir()
    for path in (in_new(mail, name), link(mail, name, ARCHIVE)):
        path.unlink()
    before = files(mail)
    assert recover(Folders(mail, hooks=HOOKS)) == 0
    assert (files(mail), link(mail, name, ARCHIVE).exists()) == (before, False)


def test_a_queue_that_cannot_be_told_keeps_no_other_hook_from_its_link_and_the_log_is_kept(
    tmp_path: Path,
) -> None:
    mail, name = crashed(tmp_path, DAMAGE["no queues"])
    folder = queue(mail, "orders").folder
    folder.parent.mkdir()
    folder.touch()
    recover(Folders(mail, hooks=HOOKS))
    assert link(mail, name, ARCHIVE).exists()
    folder.unlink()
    assert recover(Folders(mail, hooks=HOOKS)) == 1
    assert links(mail) == wanted_links(name, SMALL)
