"""Waiting for `letterbox-bucket`: whatever it does, a message has its answer in time, and nothing blocks."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path

import pytest

from receiver.bucket import protocol
from receiver.storage.store import BucketError, Store
from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.storage.bucket.bucketed import CONTENTS, COPIES, SHARED, descriptors, files, send, store
from tests.receiver.storage.bucket.peer import listen, peer, receive

PATIENCE = 1.0  # seconds of the store's deadline in these tests
SLACK = 10.0  # seconds that a busy machine may take longer; without PATIENCE, the deadline would be 15


def has_time(there: Store) -> None:
    """Let the messages from now on have more time, because they are answered."""
    assert there._bucket
    there._bucket._deadline = DEADLINE


async def _beside(work: asyncio.Future[list[object]]) -> tuple[list[object], int]:
    """What the work returns, and how often the loop did something else meanwhile."""
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    return work.result(), turns


@pytest.mark.parametrize("content", [CONTENTS["small"], CONTENTS["in a memfd"], CONTENTS["large"]])
def test_without_a_socket_a_message_fails_in_time_and_nothing_is_left(tmp_path: Path, content: bytes) -> None:
    there = store(tmp_path / "mail", tmp_path / "socket", PATIENCE)

    async def scenario() -> float:
        before, began = descriptors(), time.monotonic()
        with pytest.raises(BucketError) as raised:
            await send(there, content)
        assert raised.value.errno == errno.ETIMEDOUT
        assert "No such file or directory" in str(raised.value)
        assert descriptors() <= before + 1, "the thread's own may be one"
        return time.monotonic() - began

    assert PATIENCE <= asyncio.run(scenario()) < PATIENCE + SLACK
    there.close()
    assert files(tmp_path / "mail") == []


def test_a_socket_that_appears_in_time_gets_the_message(tmp_path: Path) -> None:
    there = store(tmp_path / "mail", tmp_path / "socket", DEADLINE)

    async def scenario() -> None:
        sending = asyncio.create_task(send(there, CONTENTS["small"]))
        await asyncio.sleep(0.3)
        with peer(tmp_path / "socket") as other:
            await sending
            assert len(other.got) == 1

    asyncio.run(scenario())
    there.close()


@pytest.mark.parametrize("content", [CONTENTS["small"], CONTENTS["in a memfd"], CONTENTS["large"]])
def test_what_a_process_had_not_answered_when_it_ended_is_handed_to_the_next_one(
    tmp_path: Path, content: bytes
) -> None:
    with peer(tmp_path / "socket") as other:
        other.answers = False
        there = store(tmp_path / "mail", other.path, DEADLINE)

        async def scenario() -> None:
            sending = [asyncio.create_task(send(there, content)) for _ in range(5)]
            await asyncio.to_thread(other.wait_for, 5)
            other.hang_up()
            await asyncio.to_thread(other.wait_for, 10)
            other.answers = True
            other.hang_up()
            await asyncio.gather(*sending)

        asyncio.run(scenario())
        there.close()
        assert {got for _, got in other.got} == {SHARED + content}
        names = [put.name for put, _ in other.got]
        assert len(names) == 15
        assert len(set(names)) == 5, "each keeps its name, and so its key"
    assert files(tmp_path / "mail") == []


@pytest.mark.parametrize("size", [60_000, 90_000], ids=["in the packet", "in a memfd"])
def test_a_process_that_reads_nothing_blocks_nobody(tmp_path: Path, size: int) -> None:
    listening = listen(tmp_path / "socket")
    there = store(tmp_path / "mail", tmp_path / "socket", PATIENCE)

    async def scenario() -> None:
        before, began = descriptors(), time.monotonic()
        found, turns = await _beside(
            asyncio.gather(*(send(there, bytes(size)) for _ in range(300)), return_exceptions=True)
        )
        assert {type(each) for each in found} == {BucketError}
        assert {each.errno for each in found} == {errno.ETIMEDOUT}
        assert turns > 10, "a send that blocks would let nothing else be done until the deadline"
        assert time.monotonic() - began < PATIENCE + SLACK
        assert descriptors() <= before + 2, "the connection, and no memfd"

    asyncio.run(scenario())
    there.close()
    listening.close()


def test_one_that_reads_again_gets_no_message_whose_time_is_up(tmp_path: Path) -> None:
    listening = listen(tmp_path / "socket")
    there = store(tmp_path / "mail", tmp_path / "socket", PATIENCE)

    async def scenario() -> None:
        first = [send(there, b"old %d" % each + bytes(100_000)) for each in range(5)]
        first += [send(there, b"old %d" % each + bytes(60_000)) for each in range(50)]
        found = await asyncio.gather(*first, return_exceptions=True)
        assert {type(each) for each in found} == {BucketError}
        has_time(there)
        sending = asyncio.create_task(send(there, b"new"))
        connected, _ = await asyncio.to_thread(listening.accept)
        connected.settimeout(DEADLINE)
        old = 0
        while True:
            request = await asyncio.to_thread(receive, connected)
            assert request
            number, _, content = request
            connected.send(protocol.pack_reply(number))
            if content.endswith(b"new"):
                break
            old += 1
        await sending
        assert 0 < old < 20, "what the kernel had taken already, and no more"
        connected.close()

    asyncio.run(scenario())
    there.close()
    listening.close()


def test_answers_that_make_no_sense_are_none(tmp_path: Path) -> None:
    listening = listen(tmp_path / "socket")
    there = store(tmp_path / "mail", tmp_path / "socket", PATIENCE)

    async def scenario() -> None:
        sending = asyncio.create_task(send(there, b"x"))
        connected, _ = await asyncio.to_thread(listening.accept)
        request = await asyncio.to_thread(receive, connected)
        assert request
        number = request[0]
        for packet in (
            b"\xff", b"{}\n", b"[1]\n", b'{"n":true,"errno":0}\n', b'{"n":%d}\n' % number,
            b'{"n":%d,"errno":"0"}\n' % number, b'{"n":%d,"errno":0}\n' % (number + 1), b"[" * 30_000,
        ):  # fmt: skip
            connected.send(packet)
        with pytest.raises(BucketError) as raised:
            await sending
        assert raised.value.errno == errno.ETIMEDOUT
        connected.send(protocol.pack_reply(number))  # too late
        has_time(there)
        sending = asyncio.create_task(send(there, b"y"))
        request = await asyncio.to_thread(receive, connected)
        assert request
        connected.send(protocol.pack_reply(request[0]))
        await sending
        connected.close()

    asyncio.run(scenario())
    there.close()
    listening.close()


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        (errno.ETIMEDOUT, errno.EIO),
        (errno.EIO, errno.EIO),
        (errno.EHOSTUNREACH, errno.EIO),
        (errno.EPROTO, errno.EIO),
        (errno.ENOENT, errno.EIO),
        (errno.ENOBUFS, errno.ENOSPC),
        (errno.ENOSPC, errno.ENOSPC),
        (errno.EDQUOT, errno.ENOSPC),
        (-1, errno.EIO),
        (10**6, errno.EIO),
    ],
)
def test_each_errno_is_a_lack_of_room_or_a_fault(tmp_path: Path, said: int, becomes: int) -> None:
    listening = listen(tmp_path / "socket")
    there = store(tmp_path / "mail", tmp_path / "socket", DEADLINE)

    async def scenario() -> None:
        sending = asyncio.create_task(send(there, CONTENTS["large"]))
        connected, _ = await asyncio.to_thread(listening.accept)
        request = await asyncio.to_thread(receive, connected)
        assert request
        connected.send(protocol.pack_reply(request[0], said, "the store says so"))
        with pytest.raises(BucketError, match="the store says so") as raised:
            await sending
        assert raised.value.errno == becomes
        connected.close()

    asyncio.run(scenario())
    there.close()
    listening.close()
    assert files(tmp_path / "mail") == []


def test_a_wait_that_is_given_up_sends_nothing_more_and_closes_what_it_opened(tmp_path: Path) -> None:
    there = store(tmp_path / "mail", tmp_path / "socket", DEADLINE)

    async def scenario() -> None:
        await asyncio.gather(_given_up(CONTENTS["large"]), return_exceptions=True)
        before = descriptors()
        await asyncio.gather(*(_given_up(each) for each in CONTENTS.values()), return_exceptions=True)
        assert descriptors() <= before
        with peer(tmp_path / "socket") as other:
            await send(there, b"the only one")
            assert [content.removeprefix(SHARED) for _, content in other.got] == [b"the only one"]

    async def _given_up(content: bytes) -> None:
        message = there.incoming(there.identity(), COPIES, SHARED)
        await there.write(message, content)
        sending = asyncio.create_task(there.deliver(message))
        await asyncio.sleep(0.1)
        sending.cancel()
        await asyncio.wait([sending])
        await there.abandon(message)

    asyncio.run(scenario())
    there.close()
    wait_until(lambda: files(tmp_path / "mail") == [], "no file is left")
