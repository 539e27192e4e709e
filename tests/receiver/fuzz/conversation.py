"""A fuzz target for a whole session: any octets, cut into any pieces, for the conversation itself.

`python -m tests.receiver.fuzz.conversation --runs 20000` uses random input. With atheris installed (`make
fuzz`) the coverage of receiver/ guides it. These promises must hold. Our code never raises. Replies are well
formed. A message that was answered 250 ended in CRLF.CRLF or in a last chunk. A stored message has no bare
CR, no bare LF and no NUL. Its content is the one that an independent, slow parser finds in the octets.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.receiver.fuzz.driver import Target, instrumented

with instrumented():
    from receiver.config.load import any_mailbox
    from receiver.config.values import Limits
    from receiver.storage.folders import Folders
    from receiver.storage.incoming import Incoming
    from receiver.storage.log.record import Copy
    from receiver.storage.store import Store
    from tests.receiver.connections import Site, new_site

START = b"EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<a@example.test>\r\n"
WORDS = (
    b"EHLO x\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<a@example.test>\r\n", b"DATA\r\n", b"RSET\r\n",
    b"QUIT\r\n", b"BDAT 5\r\n", b"BDAT 3 LAST\r\n", b"BDAT 0 LAST\r\n", b"\r\n.\r\n", b".\r\n", b"..",
    b"\n.\n", b"\r.\r", b"\0", b"\r", b"\n", b"\r\n", b".", b"x", b"<", b">", b"@", b'"', b" SIZE=9",
    b"BODY=7BIT", b"\xc3\xa9", b"\xff", b"Received: x\r\n", b"STARTTLS\r\n", b"VRFY x\r\n",
)  # fmt: skip
REPLIES = re.compile(rb"(?:(?:[2-5]\d\d-[^\r\n]*\r\n)*[2-5]\d\d [^\r\n]*\r\n)*")


class Pipe(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1234) if name == "peername" else default


class MemoryStore(Store):
    """A store without a disk. Delivered messages are in `stored`."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self._count = 0
        self._folders = Folders(Path("/nonexistent"), claims=False)
        self._bucket = None

    def identity(self) -> str:
        self._count += 1
        return f"Q{self._count}"

    def incoming(self, identity: str, copies: Sequence[Copy], shared: bytes = b"", slot: int = 0) -> Incoming:
        return Incoming(self._folders, identity, copies)

    async def write(self, message: Incoming, content: bytes) -> None:
        message.gather(content)

    async def deliver(self, message: Incoming) -> None:
        self.stored.append(b"".join(message.pieces))

    async def abandon(self, message: Incoming) -> None:
        message.pieces.clear()

    async def has_room(self, size: int) -> bool:
        return True


CONFIG = any_mailbox("mx.test", Path("/nonexistent"), ("example.test",))
CONFIG = replace(CONFIG, limits=Limits(line_length=200, message_size=5000))


async def session(pieces: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """The replies to these pieces, and the contents stored. Raises what our code raises."""
    store = MemoryStore()
    site = new_site(CONFIG, store)
    talk = site.new()
    pipe = Pipe()
    talk.connection_made(pipe)
    for piece in pieces:
        if pipe.closed:
            break
        talk.data_received(piece)
        await _settled(site)
    talk.connection_lost(None)
    await _settled(site)
    return bytes(pipe.written), store.stored


async def _settled(site: Site) -> None:
    while site.connections.tasks:
        await asyncio.gather(*site.connections.tasks)


def check(wire: bytes, sizes: Sequence[int]) -> None:
    """Raises AssertionError if a promise is broken."""
    pieces, at = [], 0
    for size in [*sizes, len(wire)]:
        pieces.append(wire[at : at + size])
        at += size
    loop = _loop()
    errors: list[object] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    with contextlib.redirect_stderr(_Quiet()) as log:
        replies, stored = loop.run_until_complete(session([piece for piece in pieces if piece]))
        _, in_one = loop.run_until_complete(session([wire]))
    assert not errors, errors
    assert "event=error" not in cast(_Quiet, log).text, cast(_Quiet, log).text
    assert REPLIES.fullmatch(replies), replies
    assert stored == in_one, "pieces change what is stored"
    assert replies.count(b"250 2.0.0 Stored") == len(stored)
    for content in stored:
        assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n"), content
        assert b"\0" not in content, content
        assert in_wire(content, wire), content


def in_wire(content: bytes, wire: bytes) -> bool:
    """Whether the octets sent contain the message, after removing one leading dot from each line."""
    if b"BDAT" in wire.upper():  # chunks have their commands between them
        return True
    return content in b"\r\n".join(line.removeprefix(b".") for line in wire.split(b"\r\n"))


class _Quiet:
    """Keeps the log, to check it at the end."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    if not _loops:
        _loops.append(asyncio.new_event_loop())
    return _loops[0]


def one_input(octets: bytes) -> None:
    """Make a conversation of the fuzzer's octets. The first ones choose the envelope and the pieces."""
    if len(octets) < 2:
        return
    kind, size, rest = octets[0], octets[1], octets[2:]
    start = (b"", START, START + b"DATA\r\n", START + b"BDAT ")[kind % 4]
    wire = start + rest
    check(wire, [size % 16 + 1] * min(400, len(wire)) if kind & 4 else [])


TARGET = Target("conversations", one_input, WORDS, most_words=25, choices=2, longest=400)


if __name__ == "__main__":
    TARGET.main(__doc__)
