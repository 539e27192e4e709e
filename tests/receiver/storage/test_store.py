"""Durable delivery: a fault at every system call in turn, and a disk that is full."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.mailbox import Mailbox
from receiver.storage.log.record import Copy
from receiver.storage.store import Store
from tests.receiver.server import Server
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

ALICE, BOB = Mailbox("example.test", "alice"), Mailbox("example.test", "bob")
COPIES = [Copy(ALICE, b"Delivered-To: alice\r\n"), Copy(BOB, b"Delivered-To: bob\r\n")]
LARGE = [b"%07d\r\n" % number * 1000 for number in range(60)]  # passes the mark for writing as it comes
SMALL = [b"small\r\n"]


async def one_message(store: Store, content: list[bytes]) -> None:
    message = store.incoming(store.identity(), COPIES)
    try:
        for piece in content:
            await store.write(message, piece)
        await store.deliver(message)
    except OSError:
        await store.abandon(message)
        raise


def deliver(mail: Path, disk: Disk, content: list[bytes], *, ordered: bool = False) -> None:
    store = new_store(mail, disk, keeps_order=lambda device: ordered)
    try:
        asyncio.run(one_message(store, content))
    finally:
        store.close()


def files(mail: Path) -> dict[str, bytes]:
    return {str(path.relative_to(mail).parent): path.read_bytes() for path in mail.glob("*/*/*/*")}


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_every_recipient_has_a_whole_copy_with_its_own_fields(tmp_path: Path, content: list[bytes]) -> None:
    deliver(tmp_path, Disk(), content)
    body = b"".join(content)
    assert files(tmp_path) == {
        "example.test/alice/new": b"Delivered-To: alice\r\n" + body,
        "example.test/bob/new": b"Delivered-To: bob\r\n" + body,
    }
    for name in ("tmp", "new", "cur"):
        assert (tmp_path / "example.test" / "bob" / name).stat().st_mode & 0o777 == 0o700
    (path,) = (tmp_path / "example.test/alice/new").iterdir()
    assert path.stat().st_mode & 0o777 == 0o400


def test_files_are_synced_before_they_are_named_and_folders_after(tmp_path: Path) -> None:
    disk = Disk()
    deliver(tmp_path / "not" / "there", disk, SMALL)
    names = [name for name, _ in disk.calls]
    assert names.count("mkdir") == 3 + 2 + 6  # not, there, domain, two Maildirs with their folders
    renames = [at for at, name in enumerate(names) if name == "rename"]
    assert len(renames) == 2
    before, after = names[: renames[0]], names[renames[-1] :]
    assert before.count("fsync") == names.count("mkdir") + 2  # each folder's entry, and both files
    assert after.count("fsync") == 2


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_where_order_is_kept_content_is_written_before_the_name_and_all_is_synced_after(
    tmp_path: Path, content: list[bytes]
) -> None:
    disk = Disk()
    deliver(tmp_path, disk, content, ordered=True)
    names = [name for name, _ in disk.calls]
    renames = [at for at, name in enumerate(names) if name == "rename"]
    written = [at for at, (name, _) in enumerate(disk.calls) if name == "write_out"]
    assert len(written) == 4  # begun for both, waited for for both
    assert max(at for at, name in enumerate(names) if name == "write") < min(written)
    assert max(written) < min(renames)
    assert names[renames[-1] :].count("fsync") == 4  # both files, both folders


@pytest.mark.parametrize("ordered", [False, True], ids=["any-disk", "ordered"])
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_fault_at_any_system_call_leaves_nothing_and_the_next_try_succeeds(
    tmp_path: Path, content: list[bytes], ordered: bool
) -> None:
    counting = Disk()
    deliver(tmp_path / "counting", counting, content, ordered=ordered)
    whole = files(tmp_path / "counting")
    faults = 0
    for at, (name, _) in enumerate(counting.calls):
        mail = tmp_path / str(at)
        disk = Disk(at, errno.ENOSPC)
        if name == "close":  # what was synced stays synced
            continue
        with pytest.raises(OSError, match="No space left"):
            deliver(mail, disk, content, ordered=ordered)
        faults += 1
        assert files(mail) == {}, f"{name} failed as call {at}"
        deliver(mail, Disk(), content)
        assert files(mail) == whole
    assert faults > 20


def test_a_folder_whose_sync_failed_is_synced_at_the_next_try(tmp_path: Path) -> None:
    counting = Disk()
    deliver(tmp_path / "counting", counting, SMALL)
    for at in [at for at, (name, _) in enumerate(counting.calls) if name == "fsync"]:
        mail = tmp_path / str(at) / "mail"
        disk = Disk(at)
        store = new_store(mail, disk)
        with pytest.raises(OSError, match="Input/output"):
            asyncio.run(one_message(store, SMALL))
        asyncio.run(one_message(store, SMALL))
        store.close()
        made = {path for path in mail.parent.rglob("*") if path.is_dir()}
        assert {str(path.parent) for path in made} <= disk.synced


def test_a_maildir_that_was_removed_is_made_again(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for _ in range(2):
        asyncio.run(one_message(store, SMALL))
        shutil.rmtree(tmp_path / "example.test")
    store.close()


def test_identities_never_repeat(tmp_path: Path) -> None:
    stores = [new_store(tmp_path) for _ in range(3)]
    names = [store.identity() for store in stores for _ in range(1000)]
    assert len(set(names)) == 3000


def test_a_full_disk_is_452_and_mail_goes_on_when_there_is_room(
    serve: Callable[..., Server], small_disk: Path
) -> None:
    server = serve(mail=small_disk / "mail")
    new = small_disk / "mail" / "example.test" / "alice"
    with server.client() as client:
        client.begin()
        client.send(b"Subject: too much\r\n\r\n" + b"0123456789abc\r\n" * 200_000 + b".\r\n")
        client.expect("452 4.3.1")
        assert not any(path.is_file() for path in new.rglob("*"))
        client.begin()
        client.send(b"Subject: enough\r\n\r\n.\r\n")
        client.expect("250 2.0.0")
        (small_disk / "filler").write_bytes(b"x" * 950_000)
        client.begin()
        client.send(b"x" * 120_000 + b"\r\n.\r\n")
        client.expect("452 4.3.1")
        (small_disk / "filler").unlink()
        client.begin()
        client.send(b"x" * 120_000 + b"\r\n.\r\n")
        client.expect("250 2.0.0")
    assert len(list((new / "new").iterdir())) == 2
    assert not any((new / "tmp").iterdir())


def test_a_mail_folder_in_the_way_is_4xx(serve: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    server = serve(mail=tmp_path / "file")
    with server.client() as client:
        client.begin()
        client.send(b"x\r\n.\r\n")
        client.expect("451 4.2.1")
        client.ask("NOOP", 250)
    server.wait_for_log("event=error .*Not a directory")
