"""After a crash no message is made again that a client has moved, and each is there once."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.storage.folders import Folders
from receiver.storage.log.recovery import recover
from tests.receiver.durability.load import Ledger, senders
from tests.receiver.moved import dovecot
from tests.receiver.moved.crashed import Crashed, contents
from tests.receiver.moved.dovecot import Session
from tests.receiver.moved.received import rename_by_copying
from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.server import start_server

pytestmark = pytest.mark.skipif(not dovecot.is_installed(), reason=dovecot.WHY_NOT)


def _mark(client: Session) -> None:
    client.store("1:*", "+FLAGS", "(\\Seen \\Answered)")


def _move(client: Session) -> None:
    client.do("MOVE", "1:*", "Archive")


def _rename_folder(client: Session) -> None:
    _move(client)
    client.rename("Archive", "Old")


def _rename_files(client: Session) -> None:
    client.create("Old")
    client.do("COPY", "1:*", "Old")
    client.do("MOVE", "1:*", "Old")
    client.select("Old")
    client.store("1:20", "+FLAGS", "\\Deleted")
    client.expunge()


def _rename_files_in_place(client: Session) -> None:
    _rename_files(client)
    client.do("MOVE", "1:*", "INBOX")


@pytest.mark.parametrize("do", [_mark, _move, _rename_folder, _rename_files, _rename_files_in_place])
def test_nothing_is_made_again_that_a_client_moved(tmp_path: Path, do: Callable[[Session], None]) -> None:
    crashed = Crashed(tmp_path, 20)
    with crashed.client() as client:
        do(client)
    assert crashed.recover() == 0
    assert crashed.found() == Counter(crashed.contents)


def test_a_message_that_a_client_deleted_just_before_comes_back(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, 5)
    with crashed.client() as client:
        client.do("MOVE", "1:3", "Archive")
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
    assert crashed.found().total() == 4
    assert crashed.recover() == 1
    assert crashed.found() == Counter(crashed.contents)


def test_a_moved_file_that_the_crash_left_torn_does_not_count(tmp_path: Path) -> None:
    crashed = Crashed(tmp_path, 3)
    with crashed.client() as client:
        rename_by_copying(client, "2", "Archive")
    (renamed,) = (crashed.box / ".Archive").glob("[cn]*/*")
    whole = renamed.read_bytes()
    for torn in (b"", whole[:-1], whole.replace(b"x\r\n", b"\0\0\0"), whole + b"x"):
        renamed.chmod(0o600)
        renamed.write_bytes(torn)
        shutil.copytree(crashed.mail, tmp_path / "again", symlinks=True)
        assert recover(Folders(tmp_path / "again")) == 1
        shutil.rmtree(tmp_path / "again")
    renamed.write_bytes(whole)
    assert crashed.recover() == 0


def test_the_recovery_opens_few_files_of_a_large_mailbox(tmp_path: Path) -> None:
    """Old mail that clients moved, much of it of the size of the messages in the log."""
    crashed = Crashed(tmp_path, 20)
    with crashed.client() as client:
        _move(client)
    archive = crashed.box / ".Archive"
    files = sorted(archive.glob("[cn]*/*R*"))
    size = files[0].stat().st_size
    for number, path in enumerate(files[::2]):  # Some keep their names, and some do not.
        path.rename(archive / "cur" / f"1700000000.M{number}P9.mx:2,")
    for number in range(3000):
        path = archive / "cur" / f"1700000000.M{number}P1.mx,S=1:2,S"
        path.touch()
        if number % 30 == 0:
            os.truncate(path, size)
    opened: list[str] = []
    recording = [True]  # An audit hook stays for as long as the process lives.
    sys.addaudithook(
        lambda event, said: opened.append(str(said[0])) if event == "open" and recording else None
    )
    assert crashed.recover() == 0
    recording.clear()
    messages = [path for path in opened if "/.Archive/" in path and "1700000000" in path]
    assert len(messages) == 10 + 100 + 10, (
        "each of that size for its identity, and those found for all octets"
    )


@pytest.mark.parametrize("times", [1, 8])
def test_a_file_that_is_moved_just_before_it_is_opened_is_looked_for_again(
    tmp_path: Path, times: int
) -> None:
    """A client may move it again and again. No number of looks is enough, so there is time for them."""
    crashed = Crashed(tmp_path, 1)
    with crashed.client() as client:
        _move(client)
    time.sleep(0.1)  # Now no folder seems to change while its names are read.
    left = [times]

    def move(event: str, said: tuple[object, ...]) -> None:
        path = Path(str(said[0])) if event == "open" and left else Path()
        if not left or path.parent.name not in ("new", "cur") or not path.exists():
            return
        is_inside = path.parent.parent == crashed.box
        path.rename((crashed.box / ".Archive" if is_inside else crashed.box) / "cur" / path.name)
        left[0] -= 1
        if not left[0]:
            left.clear()  # An audit hook stays for as long as the process lives.

    sys.addaudithook(move)
    assert crashed.recover() == 0
    assert not left
    assert crashed.found() == Counter(crashed.contents)


def test_each_message_is_there_once_after_kills_while_a_client_moves(tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    box = mail / "example.test" / "alice"
    acknowledged: set[str] = set()
    offered: set[str] = set()
    moved = threading.Event()
    ended = threading.Event()
    failures: list[BaseException] = []

    def move() -> None:
        """Move messages to a folder and back, without a pause, also while the receiver starts again."""
        try:
            with dovecot.session(box, tmp_path / "dovecot") as client:
                client.create("Archive")
                while not ended.is_set():
                    for source, target in (("INBOX", "Archive"), ("Archive", "INBOX")):
                        if client.select(source)[1][0] not in (None, b"0"):
                            client.do("MOVE", "1:*", target)
                            moved.set()
        except BaseException as error:
            failures.append(error)

    client: threading.Thread | None = None
    for number in range(5):
        ledger = Ledger(lambda: 0)
        place = tmp_path / str(number)
        place.mkdir()
        server = start_server(place, mail=mail)
        busy = senders(server.port, ledger, 4, number)
        for sender in busy:
            sender.start()
        ledger.wait_for_one()
        if client is None:
            client = threading.Thread(target=move)
            client.start()
        moved.clear()
        wait_until(lambda: moved.is_set() or failures, "the client has moved messages")
        for process in server.children():
            os.kill(process, signal.SIGKILL)  # An orphaned writer would empty its log.
        server.kill()
        for sender in busy:
            sender.join(DEADLINE)
        acknowledged |= ledger.acknowledged.keys()
        offered |= ledger.offered
    recover(Folders(mail))
    ended.set()
    assert client is not None
    client.join(DEADLINE)
    digests = Counter(hashlib.sha256(each).hexdigest() for each in contents(mail).elements())
    assert {digest: count for digest, count in digests.items() if count > 1} == {}
    assert acknowledged <= digests.keys() <= offered
    assert not failures
