"""How much a mailbox holds, and which mailboxes are full."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from receiver.keeping.quotas import Quotas
from receiver.keeping.usage import Counter, Stopped
from receiver.mailbox import Mailbox
from receiver.serving.counting import count_regularly
from tests.receiver.keeping.mail import Mail, new_mail
from tests.receiver.processes import wait_until
from tests.waiting import DEADLINE

ALICE, BOB = Mailbox("example.test", "alice"), Mailbox("example.test", "bob")


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    return new_mail(tmp_path)


def test_messages_of_new_cur_and_subfolders_count_and_hard_links_once(mail: Mail) -> None:
    message = mail.put(1, octets=1000)
    mail.put(1, "cur", octets=200)
    mail.put(1, ".Archive/new", octets=30)
    mail.put(1, "tmp", octets=5000)
    (mail.alice / ".Archive" / "new" / "1.copy.mx").hardlink_to(message)
    (mail.alice / ".Archive" / "cur").mkdir()
    (mail.alice / ".Archive" / "cur" / "2.copy.mx").hardlink_to(message)
    (mail.alice / "new" / "3.link.mx").symlink_to(message)
    (mail.alice / ".Linked").symlink_to(mail.alice)
    assert Counter(mail.folder).octets(ALICE) == 1230
    assert Counter(mail.folder).octets(BOB) == 0, "a mailbox without a folder is empty"


def test_every_change_of_a_mailbox_is_counted(mail: Mail) -> None:
    message = mail.put(1, octets=1000)
    counter = Counter(mail.folder)
    for _ in range(2):
        assert counter.octets(ALICE) == 1000
    settled = time.time() - 60
    for folder in (mail.alice / "new", mail.alice / "cur"):
        os.utime(folder, (settled, settled))
    for _ in range(2):
        assert counter.octets(ALICE) == 1000, "also from what is known of it"
    mail.put(1, ".New/cur", octets=1)
    assert counter.octets(ALICE) == 1001
    message.unlink()
    assert counter.octets(ALICE) == 1


def test_a_mailbox_that_is_a_link_cannot_be_counted(mail: Mail) -> None:
    (mail.folder / "example.test" / "bob").symlink_to(mail.alice)
    with pytest.raises(OSError, match="no folder of its own"):
        Counter(mail.folder).octets(BOB)


def test_a_count_ends_when_it_is_stopped(mail: Mail) -> None:
    for _ in range(600):
        mail.put(1, octets=0)
    counter = Counter(mail.folder)
    counter.stop()
    with pytest.raises(Stopped):
        counter.octets(ALICE)


def test_a_mailbox_is_full_when_it_holds_its_quota_or_would_exceed_it() -> None:
    quotas = Quotas({ALICE: 1000}, 1)
    worker = quotas.of_worker(0)
    assert not worker.is_full(ALICE, 10**9), "it is not known yet what the mailbox holds"
    quotas.set_counted(ALICE, 900, 0)
    assert [worker.is_full(ALICE, size) for size in (0, 100, 101)] == [False, False, True]
    quotas.set_counted(ALICE, 1000, 0)
    assert worker.is_full(ALICE, 0)
    assert not worker.is_full(BOB, 10**9), "it has no quota"
    quotas.set_unknown(ALICE)
    assert not worker.is_full(ALICE, 0)


def test_what_any_worker_stores_counts_as_soon_as_it_is_complete() -> None:
    quotas = Quotas({BOB: 1, ALICE: 1000}, 2)
    first, second = quotas.of_worker(0), quotas.of_worker(1)
    quotas.set_counted(ALICE, 100, 0)
    arriving = second.arrival([ALICE])
    assert arriving is not None and first.arrival([Mailbox("example.test", "carol")]) is None
    assert not first.is_full(ALICE, 900), "what is still coming in keeps nobody out"
    assert arriving.complete(700)
    assert (quotas.used(ALICE), first.is_full(ALICE, 300)) == (800, True)
    arriving.stored()
    arriving.end()
    assert quotas.used(ALICE) == 800
    before = quotas.stored_so_far(ALICE)
    quotas.set_counted(ALICE, 800, before)
    assert quotas.used(ALICE) == 800, "what was stored before the count is part of the count"
    refused = first.arrival([ALICE])
    assert refused is not None
    assert refused.complete(50)
    refused.end()
    assert quotas.used(ALICE) == 800
    lost = second.arrival([ALICE])
    assert lost is not None
    assert lost.complete(10_000)  # and the worker dies
    late = first.arrival([ALICE])
    assert late is not None and not late.complete(1), "the mailbox became full meanwhile"
    quotas.of_worker(1)
    assert quotas.used(ALICE) == 800, "the worker that replaces it has nothing arriving"


def test_counts_follow_the_mailbox_and_an_unreadable_one_is_unknown_until_it_can_be_read(mail: Mail) -> None:
    quotas = Quotas({ALICE: 1000, BOB: 1000}, 1)
    bob = mail.folder / "example.test" / "bob"
    bob.symlink_to(mail.alice)

    async def until(used: dict[Mailbox, int | None]) -> None:
        # The pause is twenty times as long as a count, and a busy machine may stand still in one.
        async with asyncio.timeout(DEADLINE):
            while {box: quotas.used(box) for box in used} != used:  # noqa: ASYNC110 - memory sends no event
                await asyncio.sleep(0.01)

    async def follow() -> None:
        counting = asyncio.create_task(count_regularly(mail.folder, quotas, 0.01))
        await until({ALICE: 0, BOB: None})
        message = mail.put(1, octets=700)
        await until({ALICE: 700, BOB: None})
        message.unlink()
        bob.unlink()
        await until({ALICE: 0, BOB: 0})
        bob.symlink_to(mail.alice)
        await until({ALICE: 0, BOB: None})
        counting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await counting

    asyncio.run(follow())
    wait_until(lambda: not any(each.name.startswith("quota") for each in threading.enumerate()), "it ends")
