"""Senders that keep a receiver busy, and remember which messages it acknowledged."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from receiver.hook_queue import Hook
from receiver.storage.folders import Folders
from receiver.storage.log import recovery
from tests.receiver.processes import wait_until
from tests.receiver.wire import Client, content_of

RECIPIENTS = ("alice", "bob")
_SIZES = (10, 600, 2000, 2000, 20_000, 150_000)


@dataclass
class Ledger:
    """The digests of all contents offered, and of those acknowledged, with `moment()` just after the 250."""

    moment: Callable[[], int]
    offered: set[str] = field(default_factory=set)
    acknowledged: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    closed: bool = False  # whether the senders should send nothing more

    def wait_for_one(self) -> None:
        """Wait until the first message is answered."""
        wait_until(lambda: self.acknowledged or self.refusals, "a message is answered")


def senders(port: int, ledger: Ledger, number: int, seed: int) -> list[threading.Thread]:
    """Threads that send over connections of their own until the receiver is gone, or the ledger is closed."""
    return [
        threading.Thread(target=_send, args=(port, ledger, random.Random(f"{seed} {each}")), daemon=True)
        for each in range(number)
    ]


def _send(port: int, ledger: Ledger, chance: random.Random) -> None:
    try:
        client = Client(port)
        client.expect(220)
        client.ask("EHLO load.test", 250)
        while not ledger.closed:
            body = chance.randbytes(chance.choice(_SIZES) // 2).hex().encode()
            content = b"Subject: load\r\n\r\n" + body + b"\r\n"
            digest = hashlib.sha256(content).hexdigest()
            ledger.offered.add(digest)
            envelope = [f"MAIL FROM:<{digest[:8]}@sender.test>"]
            envelope += [f"RCPT TO:<{name}@example.test>" for name in RECIPIENTS]
            client.send("\r\n".join([*envelope, "DATA", ""]).encode())
            client.expect(250, 250, 250, 354)
            client.send(content + b".\r\n")
            reply = client.reply()
            if not reply.startswith("250 2.0.0 Stored"):
                ledger.refusals.append(reply)
                return
            ledger.acknowledged[digest] = ledger.moment()
    except (OSError, EOFError):
        return


def recover(mail: Path, hooks: Sequence[Hook] = ()) -> int:
    """Recover the mail folder as a receiver does at its start. Returns the number of files made.

    Where there are hooks, there is a bucket as well (`hooks.TABLES`).
    """
    return recovery.recover(Folders(mail, hooks=hooks, bucket=bool(hooks)))


def stored(mail: Path, recipient: str) -> Iterator[str]:
    """The digests of all contents in a mailbox."""
    folder = mail / "example.test" / recipient / "new"
    for path in folder.iterdir() if folder.is_dir() else ():
        octets = path.read_bytes()
        try:
            yield hashlib.sha256(content_of(octets)).hexdigest()
        except AssertionError:
            yield f"not whole: {path.name}, {len(octets)} octets"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The faults of the mailboxes after an end. If all three are empty, there are none."""

    lost: frozenset[str]  # acknowledged, and not in every mailbox
    broken: frozenset[str]  # in a mailbox, and never sent like that
    twice: frozenset[str]  # more than once in a mailbox

    def __bool__(self) -> bool:
        return not (self.lost or self.broken or self.twice)


def judge(mail: Path, acknowledged: set[str], offered: set[str]) -> Verdict:
    """Compare the mailboxes with the messages that were acknowledged and those that were sent."""
    lost: set[str] = set()
    broken: set[str] = set()
    twice: set[str] = set()
    for recipient in RECIPIENTS:
        found = list(stored(mail, recipient))
        there = set(found)
        lost |= acknowledged - there
        broken |= there - offered
        twice |= {digest for digest in there if found.count(digest) > 1} if len(there) < len(found) else set()
    return Verdict(frozenset(lost), frozenset(broken), frozenset(twice))
