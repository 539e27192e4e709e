"""The way of docs/fleet.md: from a disk to the bucket, to a new host, and back, while mail arrives.

The processes are real, and so is the store. The senders behave as MTAs: they keep a message until a host has
taken it, and try it again elsewhere.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from receiver.doctor.links import Link
from receiver.doctor.services import backlog
from receiver.doctor.services.bucket import check_pull, judge_backlog
from tests.bucket.host import Host
from tests.bucket.seaweed import Engine, seaweed
from tests.fleet.judge import Verdict, copies_in, judge
from tests.fleet.ledger import Ledger
from tests.fleet.senders import Senders
from tests.waiting import wait_until

MANY = 25  # messages that are acknowledged at each stage


@pytest.fixture
def engine() -> Iterator[Engine]:
    with seaweed() as running:
        yield running


def more_mail(ledger: Ledger) -> None:
    """Wait until senders were told that some more messages are taken."""
    before = len(ledger.acknowledged)
    wait_until(lambda: len(ledger.acknowledged) >= before + MANY, lambda: f"more mail: {ledger.replies}")


def backlog_of(host: Host) -> Link:
    """What the doctor says of what waits for the bucket."""
    return judge_backlog(backlog.read(host.mail), "active", time.time())


def verdict(host: Host, ledger: Ledger) -> Verdict:
    """What is wrong with the mail of a host that should have all of it, each message once in each mailbox."""
    return judge(Counter(copies_in(host.mail, {}).values()), ledger)


def test_mail_moves_to_a_new_host_and_back_and_each_message_is_there_once(
    tmp_path: Path, engine: Engine
) -> None:
    ledger, ports = Ledger(), list[int]()
    old, new = Host(tmp_path / "old", "mx1", engine), Host(tmp_path / "new", "mx2", engine)
    with ExitStack() as stack:
        stack.callback(new.stop)
        stack.callback(old.stop)

        old.serve()
        ports.append(old.port)
        with Senders(ports, ledger, 4, seed=19, think=0.5):
            more_mail(ledger)  # from before there was a bucket

            # Steps 1 to 3: the bucket is named, what is older is pushed, and nothing waits.
            old.serve("disk")
            ports[:] = [old.port]
            more_mail(ledger)
            assert backlog_of(old).is_unknown  # Nobody has pushed yet.
            old.run("push")
            assert backlog_of(old).holds, old.log()

            # Step 4: a 250 means that the bucket has it.
            old.serve("bucket")
            ports[:] = [old.port]
            more_mail(ledger)
            old.run("push")

            # Step 5: the new host takes mail, and pulls.
            new.serve("bucket")
            ports[:] = [old.port, new.port]
            more_mail(ledger)
            new.run("pull", "--all")

            # Step 6: the old host goes, without a word.
            kept = old.files()
            old.kill()
            shutil.rmtree(old.folder)
            ports[:] = [new.port]
            more_mail(ledger)
            new.run("pull", "--all")
            have = new.files()
            assert {key: have.get(key) for key in kept} == kept, "a message of the old host is not the same"
            assert check_pull(new.mail, "active", time.time()).holds is True

            # Back: the promise of the disk, everything is pulled, and the bucket is forgotten.
            new.serve("disk")
            ports[:] = [new.port]
            more_mail(ledger)
            new.run("pull", "--all")
            assert backlog_of(new).holds, new.log()
            new.serve()
            ports[:] = [new.port]
            engine.process.kill()
            more_mail(ledger)
    assert ledger.wrong == []
    found = verdict(new, ledger)
    assert found, found
    assert len(ledger.acknowledged) >= 7 * MANY
