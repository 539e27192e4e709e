"""Senders that behave as MTAs: each keeps a message until some MX has taken it (RFC 5321, section 4.5.4).

After a 4xx, after a lost connection and where none can be made, a sender tries the same message, octet for
octet and with the same Message-ID, at the other MX. A connection that is lost after the content leaves the
outcome unknown, and to the sender that is the same as a refusal. An MTA waits minutes before it tries
again. These wait for a fraction of a second, which makes it harder for the receiver.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.fleet.ledger import Ledger

MAILBOXES = tuple(f"{name}@example.test" for name in ("alice", "bob", "carol", "dave"))
SIZES = (400, 2000, 2000, 10_000, 10_000, 60_000, 200_000)  # octets; the last does not fit into a packet
_REPLY_SECONDS = 60.0  # more than any receiver may take
_MESSAGES_A_CONNECTION = 5


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its envelope. `digest` is the SHA-256 of its content."""

    sender: str
    mailboxes: tuple[str, ...]
    content: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def message(chance: random.Random, number: int, sizes: Sequence[int] = SIZES) -> Message:
    """A new message to one, two or three of the mailboxes."""
    name = f"{number}.{chance.getrandbits(64):016x}@sender.test"
    boxes = tuple(chance.sample(MAILBOXES, chance.choice((1, 1, 2, 3))))
    line = chance.randbytes(35).hex().encode() + b"\r\n"
    body = line * max(1, chance.choice(sizes) // len(line))
    head = f"From: <load@sender.test>\r\nSubject: {number}\r\nMessage-ID: <{name}>\r\n\r\n"
    return Message("load@sender.test", boxes, head.encode() + body)


class Refused(Exception):
    """A reply that is not the one that goes on. `str(error)` is the reply."""


class Connection:
    """One connection to an MX. Raises OSError when it is lost, TimeoutError if no reply comes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.left = 0
        """How many more messages it takes. 0 if it is not open."""

    async def open(self, port: int) -> None:
        async with asyncio.timeout(5):
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        await self._expect("220")
        await self.command("EHLO mail.sender.test", "250")
        self.left = _MESSAGES_A_CONNECTION

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None
        self.left = 0

    async def command(self, line: str, code: str) -> None:
        await self.send(line.encode() + b"\r\n", code)

    async def send(self, octets: bytes, code: str) -> None:
        assert self._writer
        self._writer.write(octets)
        await self._writer.drain()
        await self._expect(code)

    async def _expect(self, code: str) -> None:
        assert self._reader
        started = time.monotonic()
        async with asyncio.timeout(_REPLY_SECONDS):
            while (line := await self._reader.readline())[3:4] == b"-":
                pass
        if not line.endswith(b"\n"):
            raise ConnectionResetError
        self._ledger.slowest = max(self._ledger.slowest, time.monotonic() - started)
        reply = line.decode(errors="replace").strip()
        if not reply.startswith(code):
            raise Refused(reply)


class Senders:
    """A number of senders at some MX, in a thread of their own. Use as a context manager.

    The end of the block closes the ledger. Then each sender ends as soon as its message is acknowledged, or
    when `patience` seconds have passed.
    """

    def __init__(
        self,
        ports: Sequence[int],
        ledger: Ledger,
        number: int,
        seed: int,
        *,
        think: float = 0.0,
        patience: float = 60.0,
        sizes: Sequence[int] = SIZES,
    ) -> None:
        self.ledger = ledger
        self._ports, self._number, self._seed = ports, number, seed
        self._think, self._patience, self._sizes = think, patience, sizes
        self._until = float("inf")
        self._thread = threading.Thread(target=self._run, name="senders", daemon=True)
        self._errors: list[BaseException] = []

    def __enter__(self) -> Senders:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._until = time.monotonic() + self._patience
        self.ledger.closed = True
        self._thread.join(self._patience + 2 * _REPLY_SECONDS)
        assert not self._thread.is_alive(), "the senders did not end"
        if self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        try:
            asyncio.run(self._all())
        except BaseException as error:  # for the thread that waits for us
            self._errors.append(error)

    async def _all(self) -> None:
        await asyncio.gather(*(self._sender(number) for number in range(self._number)))

    async def _sender(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        connection, count, at = Connection(self.ledger), 0, 0
        while not self.ledger.closed:
            if not connection.left:
                at = chance.randrange(len(self._ports))
            count += 1
            mail = message(chance, number * 1_000_000 + count, self._sizes)
            digest = mail.digest
            self.ledger.offered[digest] = mail.mailboxes
            while time.monotonic() < self._until:
                # A test may take a host away meanwhile.
                port = self._ports[at % len(self._ports)]
                if await self._try(connection, port, mail, digest):
                    break
                connection.close()
                at = (at + 1) % len(self._ports)
                await asyncio.sleep(chance.uniform(0.05, 0.4))
            await asyncio.sleep(self._think * chance.uniform(0.5, 1.5))
        connection.close()

    async def _try(self, connection: Connection, port: int, mail: Message, digest: str) -> bool:
        """Whether the MX has acknowledged the message. All else is counted."""
        ledger, sent = self.ledger, False
        try:
            if not connection.left:
                connection.close()
                await connection.open(port)
            await connection.command(f"MAIL FROM:<{mail.sender}>", "250")
            for box in mail.mailboxes:
                await connection.command(f"RCPT TO:<{box}>", "250")
            await connection.command("DATA", "354")
            sent = True
            await connection.send(mail.content + b".\r\n", "250")
        except Refused as refused:
            reply = str(refused)
            ledger.replies[reply[:3]] += 1
            if not reply.startswith("4"):
                ledger.wrong.append(reply)
        except TimeoutError:
            ledger.replies["no answer"] += 1
            if sent:
                ledger.unknown[digest] += 1
                ledger.wrong.append(f"no answer in {_REPLY_SECONDS:.0f} s")
        except (OSError, EOFError) as error:
            ledger.replies["lost" if sent else type(error).__name__] += 1
            if sent:
                ledger.unknown[digest] += 1
        else:
            ledger.replies["250"] += 1
            ledger.accept(digest, port)
            connection.left -= 1
            with suppress(OSError, Refused, TimeoutError):
                if not connection.left:
                    await connection.command("QUIT", "221")
            return True
        return False
