"""How the writer handles requests: in any pieces, from several receivers, on a slow or failing disk."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from receiver.mailbox import Mailbox
from receiver.storage import channel, pipeline
from receiver.storage.folders import Folders
from receiver.storage.group import MAX_MESSAGES, SLOW_SYNC
from receiver.storage.log.record import Copy, Record, make_record
from receiver.storage.log.recovery import recover
from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.storage.faulty_disk import Disk

ALICE, BOB = Mailbox("example.test", "alice"), Mailbox("bücher.example", "bob")
SIZE = 1 << 20  # octets of a segment at first


def record(name: str, content: bytes, *boxes: Mailbox) -> Record:
    copies = [Copy(box, f"Delivered-To: {box}\r\n".encode()) for box in boxes or (ALICE,)]
    return make_record(name, copies, content)


def requested(number: int, message: Record) -> bytes:
    return channel.pack_request(number, message.name, message.copies, [message.content])


class Receiver:
    """One channel to a writer."""

    def __init__(self, control: socket.socket) -> None:
        self.channel, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(control, [b"+"], [theirs.fileno()])
        self.channel.settimeout(DEADLINE)
        self._replies = channel.ResultDecoder()
        assert self.replies(1) == {channel.READY: 0}

    def send(self, number: int, message: Record) -> None:
        self.channel.sendall(requested(number, message))

    def replies(self, wanted: int) -> dict[int, int]:
        """The errno by number."""
        found: dict[int, int] = {}
        while len(found) < wanted:
            octets = self.channel.recv(4096)
            assert octets, "the writer has hung up"
            found |= dict(self._replies.decode(octets))
        return found


@contextlib.contextmanager
def writing(mail: Path, disk: Disk | None = None) -> Iterator[socket.socket]:
    """Run a writer on a thread inside this context, and yield its control socket."""
    folders = Folders(mail, disk or Disk(), claims=False)
    control, theirs = socket.socketpair()
    thread = threading.Thread(target=pipeline.serve, args=(folders, theirs), daemon=True)
    thread.start()
    try:
        yield control
    finally:
        control.close()
        thread.join(DEADLINE)
        theirs.close()
        assert not thread.is_alive()


def stored(mail: Path, box: Mailbox = ALICE, part: str = "new") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (mail / box.domain / box.name / part).iterdir()}


def test_requests_and_replies_are_the_same_over_any_split() -> None:
    sent = [(n, record(f"name {n}", os.urandom(n * 50), *[ALICE, BOB][: 1 + n % 2])) for n in range(1, 20)]
    octets = b"".join(requested(number, message) for number, message in sent)
    chance = random.Random(1)
    for _ in range(50):
        requests, found, at = channel.RequestDecoder(), [], 0
        while at < len(octets):
            size = chance.choice([1, 2, 7, 100, 5000])
            found += requests.decode(octets[at : at + size])
            at += size
        assert found == sent
    replies, taken = channel.ResultDecoder(), []
    for at in range(48):
        taken += replies.decode(b"".join(n.to_bytes(4, "little") for n in range(12))[at : at + 1])
    assert taken == [(n, n + 1) for n in range(0, 12, 2)]


def test_each_receiver_is_answered_for_its_own_messages(tmp_path: Path) -> None:
    with writing(tmp_path) as control:
        one, two = Receiver(control), Receiver(control)
        for number in range(1, 31):
            one.send(number, record(f"one{number}", b"1" * number))
            two.send(number + 100, record(f"two{number}", b"2" * number, ALICE, BOB))
        assert one.replies(30) == dict.fromkeys(range(1, 31), 0)
        assert two.replies(30) == dict.fromkeys(range(101, 131), 0)
    assert len(stored(tmp_path)) == 60
    assert stored(tmp_path, BOB)["two7"] == "Delivered-To: bob@bücher.example\r\n2222222".encode()


def test_a_receiver_that_hangs_up_in_a_request_disturbs_no_other(tmp_path: Path) -> None:
    with writing(tmp_path) as control:
        gone, other = Receiver(control), Receiver(control)
        gone.channel.sendall(requested(1, record("half", b"x" * 1000))[:-1])
        gone.channel.close()
        other.send(1, record("whole", b"x"))
        assert other.replies(1) == {1: 0}
        assert Receiver(control).channel  # and another one can come
    assert list(stored(tmp_path)) == ["whole"]


def test_an_error_is_reported_for_its_message_alone(tmp_path: Path) -> None:
    (tmp_path / BOB.domain).mkdir()
    (tmp_path / BOB.domain / BOB.name).write_text("no folder")
    with writing(tmp_path) as control:
        receiver = Receiver(control)
        for number in range(1, 7):
            receiver.send(number, record(f"name{number}", b"x", BOB if number == 3 else ALICE))
        assert receiver.replies(6) == {1: 0, 2: 0, 3: errno.ENOTDIR, 4: 0, 5: 0, 6: 0}
    assert len(stored(tmp_path)) == 5


def test_a_message_that_the_log_cannot_take_is_stored_without_it(tmp_path: Path) -> None:
    with writing(tmp_path) as control:
        receiver = Receiver(control)
        receiver.send(1, record("large", b"x" * SIZE))
        assert receiver.replies(1) == {1: 0}
    assert len(stored(tmp_path)["large"]) > SIZE


class Slow(Disk):
    """A disk whose first sync of the log takes long. The next ones last until they are released."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.descriptors: list[int] = []
        self.released = threading.Event()

    def __getattr__(self, name: str) -> Any:
        call = super().__getattr__(name)
        if name != "fdatasync":
            return call

        def slow(fd: int) -> None:
            self.descriptors.append(fd)
            self.begun += 1
            if self.begun == 1:
                time.sleep(SLOW_SYNC * 2)
            else:
                assert self.released.wait(DEADLINE)
            call(fd)

        return slow


def noticed(control: socket.socket) -> Receiver:
    """A receiver whose writer has noticed a slow sync."""
    receiver = Receiver(control)
    receiver.send(1, record("first", b"x"))
    assert receiver.replies(1) == {1: 0}
    return receiver


def fill_both_syncs(receiver: Receiver, slow: Slow) -> None:
    for number in (2, 3):
        receiver.send(number, record(f"name{number}", b"x"))
        wait_until(lambda number=number: slow.begun == number, "it is being synced")  # type: ignore[misc]


@pytest.fixture
def slow() -> Slow:
    return Slow()


def test_on_a_slow_disk_a_second_sync_begins_while_the_first_is_under_way(tmp_path: Path, slow: Slow) -> None:
    with writing(tmp_path, slow) as control:
        receiver = noticed(control)
        fill_both_syncs(receiver, slow)
        receiver.send(4, record("name4", b"x"))
        wait_until(lambda: "name4" in stored(tmp_path, part="tmp"), "it is prepared")
        assert list(stored(tmp_path)) == ["first"]  # nothing has its name before it is synced
        # An error in writing is told once a description: each sync must hear of it.
        assert len(set(slow.descriptors[1:])) == 2
        slow.released.set()
        assert receiver.replies(3) == {2: 0, 3: 0, 4: 0}
    assert len(stored(tmp_path)) == 4


def test_requests_wait_while_enough_others_wait_for_a_slow_disk(tmp_path: Path, slow: Slow) -> None:
    with writing(tmp_path, slow) as control:
        receiver = noticed(control)
        fill_both_syncs(receiver, slow)
        rest = [(number, record(f"name{number}", b"x" * 4000)) for number in range(4, 404)]
        sending = threading.Thread(target=lambda: [receiver.send(*each) for each in rest])
        sending.start()
        wait_until(lambda: len(stored(tmp_path, part="tmp")) >= MAX_MESSAGES, "enough has been taken")
        sending.join(0.3)
        assert sending.is_alive()  # what it sends is not taken any more
        assert len(stored(tmp_path, part="tmp")) < 2 * MAX_MESSAGES
        slow.released.set()
        sending.join(DEADLINE)
        assert receiver.replies(402) == dict.fromkeys(range(2, 404), 0)
    assert len(stored(tmp_path)) == 403


def test_messages_that_were_not_synced_when_the_writer_ends_leave_nothing(tmp_path: Path, slow: Slow) -> None:
    with writing(tmp_path, slow) as control:
        receiver = noticed(control)
        receiver.send(2, record("second", b"x"))
        wait_until(lambda: slow.begun == 2, "it is being synced")
        receiver.send(3, record("third", b"x"))
        wait_until(lambda: "third" in stored(tmp_path, part="tmp"), "it is prepared")
        control.close()
        slow.released.set()
    assert list(stored(tmp_path)) == ["first"]
    assert stored(tmp_path, part="tmp") == {}
    assert recover(Folders(tmp_path)) == 0
