"""A fleet under load: two MX before one bucket, senders, and a judge that looks after each trial."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from obstore.store import S3Store

from tests.fleet.judge import Objects, Reader, Verdict, joined, judge, of_ledger
from tests.fleet.ledger import Ledger
from tests.fleet.mx import BUCKET_PROGRAM, Mx, settings
from tests.fleet.senders import Senders

MOST_SECONDS = 20.0  # that a sender waits for an answer
Action = Callable[[], None]


class Engine(Protocol):
    """The store that keeps the mail, whatever it is."""

    @property
    def urls(self) -> Sequence[str]: ...
    @property
    def key(self) -> tuple[str, str]: ...
    @property
    def region(self) -> str: ...
    def store(self, node: int = 0) -> S3Store:
        """A client of the bucket, at one of its gateways."""

    def enter(self, number: int) -> Sequence[str]:
        """The beginning of a command that is to run where the MX of this number reaches the engine."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a trial, for the table."""

    trial: str
    rounds: int
    acknowledged: int  # messages
    copies: int  # of them, in all mailboxes
    verdict: Verdict
    unknown: int  # outcomes that a sender never learned
    slowest: float  # seconds to an answer
    pause: float  # seconds without any 250, at most
    replies: str
    wrong: Sequence[str] = ()  # all else that must not be
    once: bool = True  # whether each message must be in a mailbox at most once

    def __bool__(self) -> bool:
        verdict = self.verdict
        return not (verdict.lost or verdict.broken or self.wrong or (self.once and verdict.twice))


@dataclass
class Fleet:
    """Two MX, an engine, and what is known of all mail so far. `program` is that of the bucket's process."""

    engine: Engine
    folder: Path
    seed: int
    senders: int = 6
    think: float = 0.05  # seconds between two messages of a sender
    program: Sequence[str] = BUCKET_PROGRAM
    urls: Sequence[str] = ()
    """The bucket's, if the MX are to reach it by others than the engine's own."""
    pulls: bool = True
    """Whether the mailboxes are also judged by what `letterbox pull` made of them."""
    mx: list[Mx] = field(default_factory=list)
    ledgers: list[Ledger] = field(default_factory=list)
    objects: Objects = field(default_factory=Objects)
    chance: random.Random = field(init=False)
    reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.mx = [
            Mx(
                self.folder / f"mx{number}", number, self.urls or self.engine.urls, self.engine.key,
                region=self.engine.region, program=self.program,
                enter=() if self.urls else self.engine.enter(number),
            )
            for number in (1, 2)
        ]  # fmt: skip
        reader = self.folder / "reader"
        reader.mkdir(parents=True)
        self.reader = Reader(reader, reader / "letterbox.toml")
        self.reader.config.write_text(settings(reader, self.mx[0].folder / "bucket.sock", "reader"))

    def __enter__(self) -> Fleet:
        for each in self.mx:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.mx:
            each.kill()

    def trial(self, name: str, rounds: Sequence[Action]) -> Row:
        """Do each of the rounds under load, and judge. Mail must go on at each MX after every one."""
        ledger = Ledger()
        self.ledgers.append(ledger)
        seed = self.seed * 1000 + len(self.ledgers)
        ports = [each.port for each in self.mx]
        with Senders(ports, ledger, self.senders, seed, think=self.think, patience=90):
            ledger.wait_for_more(ports)
            started = time.monotonic()
            for act in rounds:
                act()
                ledger.wait_for_more(ports)
            ended = time.monotonic()
        return self.row(name, len(rounds), ledger, ledger.pause_since(started, ended))

    def row(self, name: str, rounds: int, ledger: Ledger, pause: float) -> Row:
        """Read all mailboxes, and judge this ledger's messages."""
        for each in self.mx:
            each.start()
        whole = joined(self.ledgers)
        verdict = of_ledger(judge(self.objects.read(self.engine.store()), whole), ledger)
        if self.pulls:
            verdict |= judge(self.reader.pull(), whole)
        wrong = [*dict.fromkeys(ledger.wrong)]
        if ledger.slowest > MOST_SECONDS:
            wrong.append(f"an answer after {ledger.slowest:.1f} s")
        if ledger.given_up:
            wrong.append(f"{len(ledger.given_up)} messages that no MX would take in the end")
        copies = sum(map(len, ledger.acknowledged.values()))
        return Row(
            name, rounds, len(ledger.acknowledged), copies, verdict, ledger.unknown.total(),
            ledger.slowest, pause, ledger.summary, wrong,
        )  # fmt: skip

    def read_again(self, node: int) -> Verdict:
        """Read every object once more, at that node's gateway, and judge all mail of all trials."""
        self.objects = Objects()
        return judge(self.objects.read(self.engine.store(node)), joined(self.ledgers))

    def sleep(self, least: float, most: float) -> None:
        """Wait for a random moment."""
        time.sleep(self.chance.uniform(least, most))
