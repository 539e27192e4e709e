"""Break connections at every moment, in every way, and look whether all that they used was freed.

A moment is before or after a callback of a connection, a place where its coroutine waits, or a step of the
client. A dialogue is played once to find its moments, then once for each moment and each way to break off:
a reset (RST), a close (FIN), a half close, or silence until the receiver's time limits end it.

    python -m tests.receiver.breaks --loop uvloop
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import socket
import ssl
import struct
import sys
import tempfile
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from receiver.config.load import any_mailbox
from receiver.config.values import Config, Limits, TLSFiles
from receiver.loop.event_loop import new_loop
from receiver.serving import server
from receiver.smtp.certificate import Certificate
from receiver.smtp.connection import Connection
from receiver.smtp.open_connections import OpenConnections
from receiver.storage.folders import Folders
from receiver.storage.store import Store
from receiver.storage.writer import Writer
from receiver.storage.writer_process import WriterProcess
from tests.receiver.connections import Site, new_site

WAYS = ("rst", "fin", "half", "silence")
SETTLED_IN = 40.0  # seconds: the time limits below, and the 10 s that a last reply waits for its reader
LIMITS = Limits(
    message_size=400_000, command_timeout=1, data_timeout=1, message_timeout=2, connections=100_000,
    connections_per_address=100_000, connections_per_network=100_000, commands=100_000, errors=1000,
)  # fmt: skip
HEAD = b"EHLO x\r\nMAIL FROM:<a@b.test> SIZE=1000\r\nRCPT TO:<a@example.test>\r\nRCPT TO:<b@example.test>\r\n"
GREETING = ("expect", b"220 mx.example.test")
ENVELOPE = [GREETING, ("send", HEAD), ("expect", b"<b@example.test> OK")]
LARGE = b"Subject: large\r\n\r\n" + b"x" * 990 * 200 + b"\r\n"


@dataclass(frozen=True, eq=False)
class Dialogue:
    """What a client does, step by step, and a limit that is different for it."""

    name: str
    steps: Sequence[tuple[str, bytes]]
    greeting_delay: int = 0


DIALOGUES = (
    Dialogue(
        "small message", [*ENVELOPE, ("send", b"DATA\r\n"), ("expect", b"354"), ("send", b"x\r\n.\r\n"),
                          ("expect", b"250"), ("send", b"QUIT\r\n"), ("expect", b"221"), ("end", b"")]),
    Dialogue("large message", [*ENVELOPE, ("send", b"DATA\r\n"), ("expect", b"354"), ("send", LARGE),
                               ("pause", b""), ("send", LARGE[50_000:] + b".\r\n"), ("expect", b"")]),
    Dialogue("reset in a large message", [*ENVELOPE, ("send", b"BDAT 200000\r\n" + b"x" * 200_000),
                                          ("expect", b"250"), ("send", b"RSET\r\n"), ("expect", b"250")]),
    Dialogue("chunks", [*ENVELOPE, ("send", b"BDAT 3\r\nx\r\n"), ("expect", b"250"),
                        ("send", b"BDAT 3 LAST\r\ny\r\n"), ("expect", b"250")]),
    Dialogue("too large", [*ENVELOPE, ("send", b"DATA\r\n"), ("expect", b"354"), ("send", LARGE * 3),
                           ("send", b".\r\n"), ("expect", b"552")]),
    Dialogue("replies that nobody reads", [GREETING, ("flood", b"HELP\r\n" * 10_000), ("pause", b"")]),
    Dialogue("late greeting", [("expect", b"220"), ("send", b"QUIT\r\n"), ("expect", b"221")], 1),
    Dialogue("too early", [("send", b"EHLO x\r\n"), ("expect", b"421")], 1),
    Dialogue("nonsense", [GREETING, ("send", b"\0\n" * 1100), ("expect", b"500")]),
    Dialogue("TLS", [GREETING, ("send", b"EHLO x\r\nSTARTTLS\r\n"), ("expect", b"220 2.0.0"),
                     ("hello", b""), ("finish", b""), ("send", HEAD + b"DATA\r\n"),
                     ("expect", b"354"), ("send", b"x\r\n.\r\n"), ("expect", b"250"), ("send", b"QUIT\r\n"),
                     ("expect", b"221"), ("end", b"")]),
    Dialogue("half a hello", [GREETING, ("send", b"STARTTLS\r\n"), ("expect", b"220 2.0.0"),
                              ("half hello", b"")]),
    Dialogue("no hello", [GREETING, ("send", b"STARTTLS\r\n"), ("expect", b"220 2.0.0"), ("pause", b""),
                          ("send", b"NOOP\r\n" * 5), ("pause", b"")]),
    Dialogue("TLS, and replies that nobody reads",
             [GREETING, ("send", b"STARTTLS\r\n"), ("expect", b"220 2.0.0"), ("hello", b""), ("finish", b""),
              ("flood", b"HELP\r\n" * 10_000), ("pause", b"")]),
)  # fmt: skip


class Broken(Exception):
    """The client has broken off."""


@dataclass
class Case:
    """One play of a dialogue, broken off at a moment that has been passed so often before."""

    dialogue: Dialogue
    breaks_at: str = ""
    passes: int = 0
    way: str = ""
    moments: list[str] = field(default_factory=list)
    client: Client | None = None
    lost: asyncio.Event = field(default_factory=asyncio.Event)  # the receiver has ended the connection

    def moment(self, name: str) -> None:
        if name == self.breaks_at and self.client and self.moments.count(name) == self.passes:
            self.client.break_off(self.way)
        self.moments.append(name)

    @property
    def was_broken(self) -> bool:
        return self.moments.count(self.breaks_at) > self.passes

    def __str__(self) -> str:
        return f"{self.dialogue.name}: {self.way} at {self.breaks_at} ({self.passes})"


class Watched(Connection):
    """A connection that tells its case of each moment."""

    case: Case | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.case is None:
            self.case = CASES.get(transport.get_extra_info("peername"))
        self._moment("connection_made")
        super().connection_made(transport)
        self._moment("connection_made, done")

    def data_received(self, data: bytes) -> None:
        self._moment("data_received")
        super().data_received(data)
        self._moment("data_received, done")

    def eof_received(self) -> bool:
        self._moment("eof_received")
        return super().eof_received()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._moment("pause_writing")

    def resume_writing(self) -> None:
        super().resume_writing()
        self._moment("resume_writing")

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self.case:
            self.case.lost.set()
        self._moment("connection_lost")

    def _greet(self) -> None:
        self._moment("_greet")
        super()._greet()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        super()._start(_Steps(work, self._moment))  # type: ignore[arg-type]

    def _moment(self, name: str) -> None:
        if self.case:
            self.case.moment(name)


class _Steps:
    """A coroutine that says where it waits, each time that it does."""

    def __init__(self, work: Coroutine[Any, Any, None], tell: Callable[[str], None]) -> None:
        self._work, self._tell = work, tell

    def send(self, value: Any) -> Any:
        return self._told(self._work.send(value))

    def throw(self, error: BaseException) -> Any:
        return self._told(self._work.throw(error))

    def _told(self, waits_for: Any) -> Any:
        self._tell(f"waits in {where(self._work)}")
        return waits_for


def where(work: Any) -> str:
    """The innermost function of ours in which a coroutine waits."""
    name = ""
    while work is not None and hasattr(work, "cr_frame"):
        if work.cr_frame and "receiver" in work.cr_frame.f_code.co_filename:
            name = f"{work.cr_code.co_qualname if sys.version_info >= (3, 11) else work.__qualname__}"
        work = work.cr_await
    return name


CASES: dict[tuple[str, int], Case] = {}  # by the client's address


class Client:
    """One client in the receiver's own loop: its socket is polled, so that it can be broken at any moment."""

    def __init__(self, case: Case, port: int) -> None:
        self._case = case
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._socket.bind(("127.0.0.1", 0))
        CASES[self._socket.getsockname()] = case
        case.client = self
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)
        self._broken = ""
        self._input = b""
        self._tls: tuple[ssl.MemoryBIO, ssl.MemoryBIO, ssl.SSLObject] | None = None

    def break_off(self, way: str) -> None:
        self._broken = way
        with contextlib.suppress(OSError):  # the receiver may have reset it
            if way == "rst":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if way in ("rst", "fin"):
                self._socket.close()
            elif way == "half":
                self._socket.shutdown(socket.SHUT_WR)

    async def play(self) -> None:
        try:
            for number, (step, argument) in enumerate(self._case.dialogue.steps):
                self._case.moment(f"step {number}: {step}")
                await getattr(self, "_" + step.replace(" ", "_"))(argument)
            self._case.moment("the last step is done")
        except (Broken, OSError):
            pass
        if self._broken in ("half", "silence"):
            await self._until_closed()
        self._socket.close()

    async def _send(self, octets: bytes) -> None:
        if self._tls:
            self._tls[2].write(octets)
            octets = self._tls[1].read()
        while octets:
            self._check()
            try:
                octets = octets[self._socket.send(octets) :]
            except BlockingIOError:
                await asyncio.sleep(0.001)

    async def _flood(self, octets: bytes) -> None:
        """Send until the receiver cannot get rid of what it answers."""
        while "pause_writing" not in self._case.moments:
            sending = asyncio.ensure_future(self._send(octets))
            await asyncio.wait([sending], timeout=0.1)
            sending.cancel()
            self._check()

    async def _expect(self, code: bytes) -> None:
        while code not in self._input:
            await self._receive()
        self._input = b""
        if not code:
            await self._receive()

    async def _end(self, _: bytes) -> None:
        await self._until_closed()

    async def _pause(self, _: bytes) -> None:
        for _ in range(20):
            self._check()
            await asyncio.sleep(0.001)

    async def _hello(self, _: bytes) -> None:
        octets = self._hello_octets()
        await self._send_plain(octets)

    async def _half_hello(self, _: bytes) -> None:
        await self._send_plain(self._hello_octets()[:100])

    async def _finish(self, _: bytes) -> None:
        assert self._tls
        incoming, outgoing, secured = self._tls
        while True:
            try:
                secured.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(await self._octets())
        await self._send_plain(outgoing.read())

    def _hello_octets(self) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing)
        with contextlib.suppress(ssl.SSLWantReadError):
            secured.do_handshake()
        self._tls = incoming, outgoing, secured
        return outgoing.read()

    async def _send_plain(self, octets: bytes) -> None:
        tls, self._tls = self._tls, None
        await self._send(octets)
        self._tls = tls

    async def _receive(self) -> None:
        octets = await self._octets()
        if not octets:
            raise Broken
        if self._tls:
            self._tls[0].write(octets)
            with contextlib.suppress(ssl.SSLWantReadError):
                while octets := self._tls[2].read(65536):
                    self._input += octets
        else:
            self._input += octets

    async def _octets(self) -> bytes:
        while True:
            self._check()
            try:
                return self._socket.recv(65536)
            except BlockingIOError:
                await asyncio.sleep(0.001)

    async def _until_closed(self) -> None:
        """Half closed, silent, or done: until the receiver has closed its side, in its own time.

        What it says is not read. Its kernel may go on trying to send that for long; the receiver must not.
        """
        await self._case.lost.wait()

    def _check(self) -> None:
        if self._broken:
            raise Broken


@dataclass
class Receiver:
    """The receiver in this process, and what it has open."""

    connections: Sequence[OpenConnections]
    ports: dict[int, int]  # by the delay of the greeting
    alive: weakref.WeakSet[Connection]

    def held(self) -> dict[str, object]:
        """All that must be as it was when connections have ended."""
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
async def serving(config: Config, process: WriterProcess) -> AsyncIterator[Receiver]:
    loop = asyncio.get_running_loop()
    assert config.tls
    folders, storing = Folders(config.mail), Writer(process.channel())
    folders.prepare_mail_folder()
    store = Store(folders, config.hostname, writer=storing)
    await storing.open(lambda: None)
    alive: weakref.WeakSet[Connection] = weakref.WeakSet()
    certificate = Certificate(config.tls)
    site = new_site(config, store, certificate, Watched)
    patient = new_site(replace(config, limits=replace(LIMITS, greeting_delay=1)), store, certificate, Watched)
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


async def play(receiver: Receiver, cases: Sequence[Case]) -> None:
    """All at once; return when the clients have ended."""
    clients = [Client(case, receiver.ports[case.dialogue.greeting_delay]) for case in cases]
    tasks = {asyncio.create_task(client.play()): case for client, case in zip(clients, cases, strict=True)}
    _, late = await asyncio.wait(tasks, timeout=SETTLED_IN)
    for task in late:
        task.cancel()
    assert not late, f"not closed by the receiver: {[str(tasks[each]) for each in late]}"
    for case in cases:
        case.client = None
    CASES.clear()


async def settled(receiver: Receiver, before: dict[str, object]) -> dict[str, tuple[object, object]]:
    """What is not as before when its time is over; empty where all is."""
    until = time.monotonic() + SETTLED_IN
    while True:
        now = receiver.held()
        differs = {key: (before[key], now[key]) for key in before if before[key] != now[key]}
        if not differs or time.monotonic() > until:
            return differs
        await asyncio.sleep(0.05)


async def moments(receiver: Receiver) -> dict[Dialogue, list[str]]:
    """The moments of each dialogue, in order."""
    whole = [Case(dialogue) for dialogue in DIALOGUES]
    for case in whole:
        await play(receiver, [case])
    return {case.dialogue: case.moments for case in whole}


def breaks(found: Mapping[Dialogue, Sequence[str]], every: bool) -> Iterator[Case]:
    """A case for each moment and way; or for the first moment of each name only."""
    for dialogue, names in found.items():
        for at, name in enumerate(names):
            passes = names[:at].count(name)
            if every or not passes:
                yield from (Case(dialogue, name, passes, way) for way in WAYS)


def batches(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """Those that the receiver has to end take its time limits, however many they are."""
    slow = [case for case in cases if case.way in ("half", "silence")]
    fast = [case for case in cases if case.way in ("rst", "fin")]
    for some, size in ((fast, 250), (slow, 500)):
        yield from (some[start : start + size] for start in range(0, len(some), size))


async def run(config: Config, process: WriterProcess, *, every: bool, seed: int) -> Report:
    """Break connections, and look after each batch of them; the report."""
    report = Report()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: report.errors.append(str(context)))
    async with serving(config, process) as receiver:
        await play(receiver, [Case(DIALOGUES[0])])  # what is made once is there after it
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
    return report


@dataclass
class Report:
    """What was broken, and what was left of it."""

    cases: int = 0
    where: set[str] = field(default_factory=set)  # the moments that were broken
    left: dict[str, object] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def by_loop(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    return new_loop if name == "uvloop" else asyncio.new_event_loop


@contextlib.contextmanager
def configured() -> Generator[Config, None, None]:
    from tests.receiver.conftest import make_certificate

    with tempfile.TemporaryDirectory() as folder:
        certificate, key = make_certificate(Path(folder), "mx.example.test")
        config = any_mailbox("mx.example.test", Path(folder, "mail"), ("example.test",))
        yield Config(config.hostname, config.mail, config.domains, TLSFiles(certificate, key), LIMITS)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--every", action="store_true", help="every moment, not the first of each name only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    server.raise_file_limit()
    with configured() as config:
        process = WriterProcess(config.mail, [])
        began = time.monotonic()
        with (
            asyncio.Runner(loop_factory=by_loop(arguments.loop)) as runner,
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stderr(nowhere),
        ):
            report = runner.run(run(config, process, every=arguments.every, seed=arguments.seed))
        process.end()
    if arguments.json:
        print(json.dumps({**asdict(report), "where": sorted(report.where)}))
        return 0
    print(f"{arguments.loop}: {report.cases} breaks at {len(report.where)} kinds of moments, "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    for name in sorted(report.where):
        print(f"  {name}")
    for what, differs in report.left.items():
        print(f"LEFT {what}: {differs}")
    for error in report.errors[:20]:
        print(f"ERROR {error}")
    return 1 if report.left or report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
