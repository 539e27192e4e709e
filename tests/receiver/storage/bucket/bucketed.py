"""A store whose messages go to the bucket, and what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from receiver.bucket.protocol import Put
from receiver.mailbox import Mailbox
from receiver.storage.bucket.puts import Puts
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy
from receiver.storage.store import Store
from tests.receiver.storage.copies import ALICE, BOB

COPIES = (Copy(ALICE, b"Delivered-To: alice\r\n"), Copy(BOB, b"Delivered-To: bob\r\n"))
SHARED, TOP = b"Received: by mx.test\r\n", b"X-Spam: Yes\r\n"
CONTENTS = {
    "empty": b"",
    "small": b"Subject: x\r\n\r\nsmall\r\n",
    "just in the packet": b"x" * (65_536 - len(SHARED)),
    "in a memfd": b"x" * (65_536 - len(SHARED) + 1),
    "just in memory": b"y" * 131_071,
    "in a file": b"z" * 131_072,
    "large": b"0123456789abcdef" * 200_000,
}


def store(mail: Path, path: Path, deadline: float = 15.0) -> Store:
    return Store(Folders(mail, bucket=True), "mx.test", bucket=Puts(path, deadline), threads=2)


async def send(
    store: Store, content: bytes, copies: Sequence[Copy] = COPIES, *, slot: int = 0, top: bytes = b""
) -> str:
    """Deliver a message, and return the name of its files. Raises OSError."""
    message = store.incoming(store.identity(), copies, SHARED, slot)
    try:
        for at in range(0, len(content), 50_000):
            await store.write(message, content[at : at + 50_000])
        if slot:
            message.put_on_top(top.ljust(message.room_on_top, b"-") if message.files else top)
        await store.deliver(message)
    except OSError:
        await store.abandon(message)
        raise
    return message.name


def files(mail: Path, part: str = "*") -> list[str]:
    """The files in the Maildirs."""
    return [str(path.relative_to(mail)) for path in mail.glob(f"[!.]*/*/{part}/*")]


def inodes(mail: Path) -> list[int]:
    """Those of the files in the Maildirs."""
    return [(mail / path).stat().st_ino for path in files(mail)]


def whole(put: Put, content: bytes) -> dict[Mailbox, bytes]:
    """The octets of each copy, as they would lie in a Maildir."""
    return {each.mailbox: each.fields + content for each in put.copies}


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
