"""Files in tmp/ are removed when their writer is known to be dead, and no earlier."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from receiver.mailbox import Mailbox
from receiver.storage.incoming import Incoming
from receiver.storage.leftovers import STALE, sweep
from receiver.storage.log.record import Copy
from receiver.storage.store import Store
from tests.receiver.processes import wait_until
from tests.receiver.server import Server
from tests.receiver.stores import new_store

COPIES = [Copy(Mailbox("example.test", "alice"), b"Delivered-To: alice\r\n")]


def under_way(store: Store) -> tuple[Incoming, Path]:
    """A message that is partly written to tmp/."""
    message = store.incoming(store.identity(), COPIES)
    asyncio.run(store.write(message, b"x" * 200_000 + b"\r\n"))
    return message, store.folders.mail / "example.test" / "alice" / "tmp"


def test_files_of_a_living_store_are_left_alone(tmp_path: Path) -> None:
    one, other = new_store(tmp_path), new_store(tmp_path)
    message, folder = under_way(one)
    assert (sweep(tmp_path), sweep(tmp_path)) == (0, 0)
    assert len(list(folder.iterdir())) == 1
    asyncio.run(one.deliver(message))
    for store in (one, other):
        store.close()
    assert not list((tmp_path / ".owners").iterdir())


def test_a_file_of_an_unknown_writer_is_removed_after_36_hours(tmp_path: Path) -> None:
    folder = tmp_path / "example.test" / "alice" / "tmp"
    folder.mkdir(parents=True)
    for name, age in (("fresh", STALE - 3600), ("stale", STALE + 3600), ("1.M1P1Q1R01234567.mx", 10)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age, time.time() - age))
    assert sweep(tmp_path) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["1.M1P1Q1R01234567.mx", "fresh"]


def test_leftovers_of_a_killed_receiver_are_gone_after_the_next_start(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    mail = tmp_path / "mail"
    folder = mail / "example.test" / "alice" / "tmp"
    server = serve(mail=mail)
    with server.client() as client:
        client.begin()
        client.send(b"Subject: cut off\r\n\r\n" + b"x" * 500_000)
        wait_until(lambda: folder.is_dir() and any(folder.iterdir()), f"something is in {folder}")
        server.stop(signal.SIGKILL)
    serve(mail=mail).wait_for_log("event=swept removed=1")
    assert not any(folder.iterdir())


def test_a_message_that_does_not_fit_on_the_disk_gets_4xx_at_mail(
    serve: Callable[..., Server], small_disk: Path
) -> None:
    with serve(mail=small_disk / "mail").client() as client:
        client.ask("MAIL FROM:<a@sender.test> SIZE=5000000", "452 4.3.1")
        client.ask("MAIL FROM:<a@sender.test> SIZE=1000", "250 2.1.0")
