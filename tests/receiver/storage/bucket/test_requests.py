"""What is handed to `letterbox-bucket`: every copy whole, at any size, with as little copying as can be."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from receiver.bucket import protocol
from receiver.mailbox import Mailbox
from receiver.one_time import HEARTBEAT_MAILBOX, MAILBOX
from receiver.storage.log.record import Copy
from receiver.storage.store import Store
from tests.receiver.processes import DEADLINE, wait_until
from tests.receiver.storage.bucket.bucketed import (
    CONTENTS,
    COPIES,
    SHARED,
    TOP,
    descriptors,
    files,
    inodes,
    send,
    store,
    whole,
)
from tests.receiver.storage.bucket.peer import listen, peer, receive
from tests.receiver.storage.copies import ALICE, BOB

LONG = "x" * 200


@pytest.mark.parametrize("slot", [0, 2048], ids=["no slot", "a slot"])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_each_copy_is_what_would_lie_in_its_maildir_and_nothing_stays_here(
    tmp_path: Path, content: bytes, slot: int
) -> None:
    mail = tmp_path / "mail"
    with peer(tmp_path / "socket") as other:
        there = store(mail, other.path)
        name = asyncio.run(send(there, content, slot=slot, top=TOP))
        there.close()
        ((put, got),) = other.got
    top = b"" if not slot else TOP.ljust(slot, b"-") if len(content) >= 131_072 else TOP
    assert put.name == name
    assert put.sender == "unknown"
    assert put.trace == len(top + SHARED)
    assert whole(put, got) == {each.mailbox: each.fields + top + SHARED + content for each in COPIES}
    assert files(mail) == []
    assert not (mail / ".bucket" / "pending").exists() or not any((mail / ".bucket" / "pending").iterdir())


def test_the_file_of_the_first_copy_is_the_only_one_and_is_the_one_that_is_handed_over(
    tmp_path: Path,
) -> None:
    mail, listening = tmp_path / "mail", listen(tmp_path / "socket")
    there = store(mail, tmp_path / "socket")

    async def scenario() -> None:
        sending = asyncio.create_task(send(there, CONTENTS["large"], [*COPIES, *_many(40)]))
        connected, _ = await asyncio.to_thread(listening.accept)
        packet, fds, _, _ = socket.recv_fds(connected, protocol.MAX_PACKET, 2)
        (only,) = (mail / path for path in files(mail))
        assert only.parent == mail / ALICE.domain / ALICE.name / "tmp"
        (fd,) = fds
        assert [os.fstat(fd).st_ino] == inodes(mail)
        connected.send(protocol.pack_reply(protocol.unpack(packet)[0]["n"]))
        await sending
        connected.close()

    asyncio.run(scenario())
    there.close()
    listening.close()
    assert files(mail) == []


def _many(number: int, name: str = "box") -> Sequence[Copy]:
    return [
        Copy(
            Mailbox("example.test", f"{name}{each}"),
            b"Return-Path: <a@b.test>\r\nDelivered-To: %d\r\n" % each,
        )
        for each in range(number)
    ]


@pytest.mark.parametrize("content", [CONTENTS["small"], CONTENTS["in a memfd"], CONTENTS["large"]])
@pytest.mark.parametrize("name", ["b", LONG], ids=["short names", "long names"])
def test_a_message_for_a_thousand_mailboxes_is_one_request(tmp_path: Path, name: str, content: bytes) -> None:
    copies = _many(1000, name)
    with peer(tmp_path / "socket") as other:
        there = store(tmp_path / "mail", other.path)
        asyncio.run(send(there, content, copies))
        there.close()
        ((put, got),) = other.got
    assert [(each.mailbox, each.fields) for each in put.copies] == [
        (each.mailbox, each.fields) for each in copies
    ]
    assert got == SHARED + content


def test_messages_for_our_own_mailboxes_stay_on_this_disk_and_mixed_ones_do_not(tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    own = [Copy(Mailbox(ALICE.domain, each), b"") for each in (MAILBOX, HEARTBEAT_MAILBOX)]
    with peer(tmp_path / "socket") as other:
        there = store(mail, other.path)
        for content in (CONTENTS["small"], CONTENTS["large"]):
            name = asyncio.run(send(there, content, own))
            assert {path.split("/")[1] for path in files(mail, "new") if path.endswith(name)} == {
                MAILBOX, HEARTBEAT_MAILBOX
            }  # fmt: skip
        assert other.got == []
        asyncio.run(send(there, CONTENTS["small"], [*own, COPIES[1]]))
        there.close()
        ((put, _),) = other.got
    assert [each.mailbox for each in put.copies] == [*(each.mailbox for each in own), BOB]
    assert len(files(mail)) == 4


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    with peer(tmp_path / "socket") as other:
        there = store(tmp_path / "mail", other.path)

        async def scenario() -> int:
            await _all(there)
            before = descriptors()
            for _ in range(3):
                await _all(there)
            wait_until(lambda: files(tmp_path / "mail") == [], "no file is left")
            return descriptors() - before

        assert asyncio.run(scenario()) <= 0
        there.close()


async def _all(there: Store) -> None:
    await asyncio.gather(*(send(there, each) for each in CONTENTS.values()))


def test_requests_go_out_while_others_wait_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    listening = listen(tmp_path / "socket")
    there = store(tmp_path / "mail", tmp_path / "socket")

    async def scenario() -> list[object]:
        sending = [asyncio.create_task(send(there, b"%d" % each)) for each in range(50)]
        connected, _ = await asyncio.to_thread(listening.accept)
        connected.settimeout(DEADLINE)
        requests = [await asyncio.to_thread(receive, connected) for _ in sending]
        for each in reversed(requests):
            assert each
            number, _, content = each
            code = 5 if int(content.removeprefix(SHARED)) % 2 else 0
            connected.send(protocol.pack_reply(number, code, "odd"))
        found = await asyncio.gather(*sending, return_exceptions=True)
        connected.close()
        return list(found)

    found = asyncio.run(scenario())
    there.close()
    listening.close()
    assert [isinstance(each, OSError) for each in found] == [bool(each % 2) for each in range(50)]
