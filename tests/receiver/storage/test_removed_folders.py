"""Folders that somebody removes or moves while the receiver runs are made again before the next 250."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.storage.folders import Folders
from receiver.storage.log.recovery import recover
from tests.receiver.processes import wait_until
from tests.receiver.server import Server
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.storage.test_wal import SIZE, send, store, stored

BODIES = {
    "small": b"Subject: x\r\n\r\n.\r\n",
    "large": b"Subject: x\r\n\r\n" + b"x" * 78_000 * 5 + b"\r\n.\r\n",
}


def deliver(server: Server, body: bytes) -> None:
    with server.client() as client:
        client.begin("alice@example.test", "bob@example.test")
        client.send(body)
        client.expect("250 2.0.0")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("part", ["tmp", "new", "cur", ".", "..", "../.."])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_that_was_removed_is_made_again(
    serve: Callable[..., Server], body: bytes, part: str, workers: int
) -> None:
    server = serve(workers=workers)
    deliver(server, body)
    shutil.rmtree((server.mail / "example.test" / "alice" / part).resolve())
    for _ in range(3):
        deliver(server, body)
    left = 4 if part in ("tmp", "cur") else 3
    assert len(server.messages("alice@example.test")) == left
    assert len(server.messages("bob@example.test")) == (4 if part not in ("..", "../..") else 3)


def test_a_mail_folder_that_was_moved_is_made_again(serve: Callable[..., Server]) -> None:
    server = serve()
    deliver(server, BODIES["small"])
    server.mail.rename(server.folder / "moved")
    for body in (*BODIES.values(), *BODIES.values()):
        deliver(server, body)
    assert len(server.messages()) == 4
    assert len(list((server.folder / "moved/example.test/alice/new").iterdir())) == 1


def test_a_log_that_was_removed_is_made_again_and_logged(serve: Callable[..., Server]) -> None:
    server = serve()
    deliver(server, BODIES["small"])
    shutil.rmtree(server.mail / ".wal")
    deliver(server, BODIES["small"])
    server.wait_for_log("event=warning .*the write-ahead log was removed")
    wait_until(lambda: (server.mail / ".wal" / "0").exists(), "the log is there")
    deliver(server, BODIES["small"])
    assert len(server.messages()) == 3


@pytest.mark.parametrize(
    "gone", [lambda wal: shutil.rmtree(wal), lambda wal: wal.rename(wal.parent / "moved")]
)
def test_a_record_in_a_removed_log_is_not_called_durable(
    tmp_path: Path, gone: Callable[[Path], object]
) -> None:
    disk = Disk()
    mail = store(tmp_path, disk)
    assert asyncio.run(send(mail, b"one")) == [None]
    gone(tmp_path / ".wal")
    disk.calls.clear()
    assert asyncio.run(send(mail, b"two")) == [None]
    synced = {name for name, _ in disk.calls} & {"fsync", "syncfs"}
    assert synced, "two was answered with nothing but a log that has no name"
    mail.close()
    assert stored(tmp_path) == [b"one", b"two"]


def test_small_mail_is_logged_again_once_the_log_was_made_again(tmp_path: Path) -> None:
    disk = Disk()
    mail = store(tmp_path, disk)
    assert asyncio.run(send(mail, b"one")) == [None]
    shutil.rmtree(tmp_path / ".wal")
    asyncio.run(send(mail, b"two"))

    def logged() -> bool:
        disk.calls.clear()
        assert asyncio.run(send(mail, b"more")) == [None]
        names = [name for name, _ in disk.calls]
        return "pwritev" in names and names.index("pwritev") < names.index("rename") and "fsync" not in names

    wait_until(logged, "a message goes through the log")
    shutil.copytree(tmp_path, tmp_path.with_name("after"))  # as a crash would leave it
    mail.close()
    after = tmp_path.with_name("after")
    shutil.rmtree(after / "example.test")
    assert recover(Folders(after)) >= 2
    assert b"more" in stored(after)


def test_where_no_log_can_be_made_again_mail_is_taken_without(tmp_path: Path) -> None:
    mail = store(tmp_path)
    shutil.rmtree(tmp_path / ".wal")
    (tmp_path / ".wal").write_bytes(bytes(SIZE))  # in the way
    for at in range(5):
        assert asyncio.run(send(mail, b"%d" % at)) == [None]
    assert stored(tmp_path) == [b"%d" % at for at in range(5)]
    mail.close()
