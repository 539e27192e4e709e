"""Playing the cases against a receiver in this process, and checking that it frees all that it used."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import time
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from receiver.checks.check import Checks
from receiver.checks.resolver import VarlinkResolver
from receiver.config.values import Config, Limits
from receiver.smtp.certificate import Certificate
from receiver.smtp.connection import Connection
from receiver.smtp.open_connections import OpenConnections
from receiver.storage.folders import Folders
from receiver.storage.store import Store
from receiver.storage.writer import Writer
from receiver.storage.writer_process import WriterProcess
from tests.receiver.breaks.client import LAST, WAYS, Client
from tests.receiver.breaks.dialogues import DIALOGUES, Dialogue
from tests.receiver.breaks.moments import CASES, Case, Watched
from tests.receiver.connections import Site, new_site

# Seconds. The limits below and the 10 s that a peer has to read a last reply need 13 on a quiet machine.
SETTLED_IN = 150.0
DEADLINE = 0.5  # of the checks of senders
TRIES = 10  # of a dialogue that is to be whole
LIMITS = Limits(
    message_size=400_000, command_timeout=1, data_timeout=1, message_timeout=2, connections=100_000,
    connections_per_address=100_000, connections_per_network=100_000, commands=100_000, errors=1000,
)  # fmt: skip


@dataclass
class Report:
    """What was broken, and what was not freed after that."""

    cases: int = 0
    where: set[str] = field(default_factory=set)  # the moments at which a connection was broken
    left: dict[str, object] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass
class Receiver:
    """The receiver in this process."""

    connections: Sequence[OpenConnections]
    ports: dict[int, int]  # by the delay of the greeting
    alive: weakref.WeakSet[Connection]

    def held(self) -> dict[str, object]:
        """What the receiver holds. It must be the same again when all connections have ended."""
        gc.collect()
        fds = []
        for fd in os.listdir("/proc/self/fd"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                fds.append(os.readlink(f"/proc/self/fd/{fd}"))  # noqa: PTH115
        return {
            "sessions": sum(len(each.connections) for each in self.connections),
            "tasks of connections": sum(len(each.tasks) for each in self.connections),
            "places": sum(sum(each.admission._open.values()) for each in self.connections),
            "connections in memory": sorted(str(each.case) for each in self.alive),  # type: ignore[attr-defined]
            "tasks": len(asyncio.all_tasks()),
            "sockets": len([each for each in fds if each.startswith("socket:")]),
            "files": sorted(each for each in fds if "/mail/" in each and "/.wal/" not in each),
        }


@contextlib.asynccontextmanager
async def serving(config: Config, process: WriterProcess, resolver: Path | None) -> AsyncIterator[Receiver]:
    loop = asyncio.get_running_loop()
    assert config.tls
    folders, storing = Folders(config.mail), Writer(process.channel())
    folders.prepare_mail_folder()
    store = Store(folders, config.hostname, writer=storing)
    await storing.open(lambda: None)
    alive: weakref.WeakSet[Connection] = weakref.WeakSet()
    certificate = Certificate(config.tls)
    asked = VarlinkResolver(resolver) if resolver else None
    checks = Checks(asked, config.hostname, deadline=DEADLINE) if asked else None
    site = new_site(config, store, certificate, Watched, checks)
    delayed = replace(config, limits=replace(LIMITS, greeting_delay=1))
    patient = new_site(delayed, store, certificate, Watched, checks)
    servers, ports = [], {}
    for delay, each in ((0, site), (1, patient)):

        def connection(each: Site = each) -> Connection:
            made = each.new()
            alive.add(made)
            return made

        listening = await loop.create_server(connection, "127.0.0.1", 0, backlog=1000)
        servers.append(listening)
        ports[delay] = listening.sockets[0].getsockname()[1]
    try:
        yield Receiver([site.connections, patient.connections], ports, alive)
    finally:
        for each in servers:
            each.close()
        store.close()
        if asked:
            asked.close()


async def play(receiver: Receiver, cases: Sequence[Case]) -> None:
    """Play the cases at the same time. Return when all clients have ended."""
    clients = [Client(case, receiver.ports[case.dialogue.greeting_delay]) for case in cases]
    tasks = {asyncio.create_task(client.play()): case for client, case in zip(clients, cases, strict=True)}
    _, late = await asyncio.wait(tasks, timeout=SETTLED_IN)
    for task in late:
        task.cancel()
    assert not late, f"not closed by the receiver: {[str(tasks[each]) for each in late]}"
    for case in cases:
        case.break_off = None
    CASES.clear()


async def settled(receiver: Receiver, before: dict[str, object]) -> dict[str, tuple[object, object]]:
    """What differs from `before`, as pairs of before and now. Waits up to SETTLED_IN for no difference."""
    until = time.monotonic() + SETTLED_IN
    while True:
        now = receiver.held()
        differs = {key: (before[key], now[key]) for key in before if before[key] != now[key]}
        if not differs or time.monotonic() > until:
            return differs
        await asyncio.sleep(0.05)


async def moments(receiver: Receiver) -> dict[Dialogue, list[str]]:
    """The moments of each dialogue, in order."""
    return {dialogue: await whole(receiver, dialogue) for dialogue in DIALOGUES}


async def whole(receiver: Receiver, dialogue: Dialogue) -> list[str]:
    """The moments of a dialogue up to its last step.

    If the machine stands still for a second, a limit ends the dialogue before that, and it is played again.
    """
    for _ in range(TRIES):
        case = Case(dialogue)
        await play(receiver, [case])
        if LAST in case.moments:
            return case.moments
    raise AssertionError(f"{dialogue.name} never came to its end: {case.moments}")


def breaks(found: Mapping[Dialogue, Sequence[str]], every: bool) -> Iterator[Case]:
    """A case for each moment and way. Without `every`, only the first moment of each name counts."""
    for dialogue, names in found.items():
        for at, name in enumerate(names):
            passes = names[:at].count(name)
            if every or not passes:
                yield from (Case(dialogue, name, passes, way) for way in WAYS)


def batches(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """The cases in batches. The slow ones last until a time limit of the receiver, so many play at once."""
    slow = [case for case in cases if case.way in ("half", "silence")]
    fast = [case for case in cases if case.way in ("rst", "fin")]
    for some, size in ((fast, 250), (slow, 500)):
        yield from (some[start : start + size] for start in range(0, len(some), size))


async def run(
    config: Config, process: WriterProcess, *, every: bool, seed: int, resolver: Path | None = None
) -> Report:
    """Break connections. After each batch, check that the receiver holds no more than before.

    With `resolver`, the path of a socket, the senders are checked.
    """
    report = Report()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: report.errors.append(str(context)))
    async with serving(config, process, resolver) as receiver:
        await play(receiver, [Case(DIALOGUES[0])])  # This makes what the receiver makes only once.
        before = receiver.held() | {"sessions": 0, "tasks of connections": 0, "places": 0}
        await settled(receiver, before)
        before["connections in memory"] = []
        found = await moments(receiver)
        if differs := await settled(receiver, before):
            report.left["without a break"] = differs
        cases = list(breaks(found, every))
        random.Random(seed).shuffle(cases)
        for batch in batches(cases):
            await play(receiver, batch)
            if differs := await settled(receiver, before):
                report.left[f"after a batch of {len(batch)}"] = differs
                break
        report.cases = len(cases)
        report.where = {case.breaks_at for case in cases if case.was_broken}
        # On a busy machine a limit may end all connections of a large batch that come to some moment late.
        for case in [case for case in cases if case.breaks_at not in report.where and not report.left]:
            if case.breaks_at not in report.where:
                alone = Case(case.dialogue, case.breaks_at, case.passes, case.way)
                await play(receiver, [alone])
                report.where |= {case.breaks_at} if alone.was_broken else set()
        if not report.left and (differs := await settled(receiver, before)):
            report.left["after the moments that were missed"] = differs
    return report
