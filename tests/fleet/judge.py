"""The judge: reads every mailbox, and compares it with what the senders know.

It reads the objects of the bucket with a client of its own, and the Maildirs that `letterbox pull` makes
from them on a host that had none of the mail. Messages are compared by the SHA-256 of what the sender sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from obstore.store import S3Store

from tests.fleet.ledger import Ledger
from tests.receiver.processes import ROOT, environment
from tests.receiver.wire import content_of

Copy = tuple[str, str]  # mailbox, and digest of the content
_AT_ONCE = 16
_PULL_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with the mailboxes. If all three are empty, nothing is."""

    lost: frozenset[Copy] = frozenset()  # acknowledged, and not in that mailbox
    twice: frozenset[Copy] = frozenset()  # more than once in that mailbox
    broken: frozenset[Copy] = frozenset()  # there, and never sent to that mailbox

    def __bool__(self) -> bool:
        return not (self.lost or self.twice or self.broken)

    def __or__(self, other: Verdict) -> Verdict:
        return Verdict(self.lost | other.lost, self.twice | other.twice, self.broken | other.broken)


def judge(found: Counter[Copy], ledger: Ledger) -> Verdict:
    """Compare all copies found with one ledger, which has all messages that were ever offered."""
    owed = {(box, digest) for digest, boxes in ledger.acknowledged.items() for box in boxes}
    offered = {(box, digest) for digest, boxes in ledger.offered.items() for box in boxes}
    return Verdict(
        frozenset(owed - found.keys()),
        frozenset(copy for copy, times in found.items() if times > 1),
        frozenset(found.keys() - offered),
    )


def of_ledger(verdict: Verdict, ledger: Ledger) -> Verdict:
    """The part of the verdict that is about messages of this ledger, and all that is broken."""
    ours = ledger.offered.keys()
    return Verdict(
        frozenset(copy for copy in verdict.lost if copy[1] in ours),
        frozenset(copy for copy in verdict.twice if copy[1] in ours),
        verdict.broken,
    )


def joined(ledgers: Iterable[Ledger]) -> Ledger:
    """One ledger with the messages of them all."""
    whole = Ledger()
    for each in ledgers:
        whole.offered |= each.offered
        whole.acknowledged |= each.acknowledged
    return whole


def digest_of(octets: bytes) -> str:
    """The SHA-256 of the sender's content in a stored message, or what is wrong with it."""
    try:
        return hashlib.sha256(content_of(octets)).hexdigest()
    except AssertionError:
        return f"not whole: {len(octets)} octets"


@dataclass
class Objects:
    """The messages of a bucket. Objects never change, so each is read once, unless `known` is emptied."""

    known: dict[str, Copy] = field(default_factory=dict)  # by key

    def read(self, store: S3Store) -> Counter[Copy]:
        """List the whole bucket, and read what is new. What is gone meanwhile does not count any more."""
        asyncio.run(self._read(store))
        return Counter(self.known.values())

    async def _read(self, store: S3Store) -> None:
        keys = [each["path"] async for page in store.list() for each in page]
        keys = [key for key in keys if not key.startswith(".letterbox/")]
        self.known = {key: self.known[key] for key in keys if key in self.known}
        new = iter([key for key in keys if key not in self.known])

        async def reader() -> None:
            for key in new:
                octets = bytes(await (await store.get_async(key)).bytes_async())
                domain, mailbox, _ = key.split("/")[-3:]
                self.known[key] = f"{unquote(mailbox)}@{unquote(domain)}", digest_of(octets)

        await asyncio.gather(*(reader() for _ in range(_AT_ONCE)))


@dataclass
class Reader:
    """A host that only reads: `letterbox pull` makes its Maildirs."""

    folder: Path
    config: Path
    known: dict[Path, Copy] = field(default_factory=dict)

    def pull(self) -> Counter[Copy]:
        """Pull once, and read all mailboxes."""
        command = [sys.executable, "-m", "receiver", "pull", "--config", str(self.config)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=_PULL_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return self.read()

    def read(self) -> Counter[Copy]:
        self.known = copies_in(self.folder / "mail", self.known)
        return Counter(self.known.values())


def copies_in(mail: Path, known: Mapping[Path, Copy]) -> dict[Path, Copy]:
    """The messages in the Maildirs of a mail folder, by their files."""
    found = {}
    for path in mail.glob("*/*/new/*"):
        domain, mailbox = path.parts[-4:-2]
        found[path] = known.get(path) or (f"{mailbox}@{domain}", digest_of(path.read_bytes()))
    return found
