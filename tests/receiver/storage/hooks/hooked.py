"""A store with two hooks for the mailbox of Alice, and what lies in the queues."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from receiver.hook_queue import Hook, link_name
from receiver.mailbox import Mailbox
from receiver.storage.log.record import Copy
from receiver.storage.store import Store
from tests.receiver.storage.copies import ALICE, COPIES, SIZE
from tests.receiver.storage.faulty_disk import Disk
from tests.receiver.stores import new_store

ORDERS, ARCHIVE = Hook("orders", frozenset({ALICE})), Hook("archive", domains=frozenset({ALICE.domain}))
HOOKS = (ORDERS, ARCHIVE)
SMALL, LARGE = b"small", b"large" * 100_000
MANY = [Copy(Mailbox("example.test", f"box{number}"), b"%d\r\n" % number) for number in range(20)]
Kept = dict[str, bytes]  # octets by path


def store(
    mail: Path,
    disk: Disk | None = None,
    *,
    log: int = SIZE,
    hooks: Sequence[Hook] = HOOKS,
    bucket: bool = False,
) -> Store:
    return new_store(mail, disk or Disk(), log=log, threads=1, hooks=hooks, bucket=bucket)


async def send(store: Store, content: bytes, copies: Sequence[Copy] = COPIES) -> str:
    """Deliver a message, and return the name of its files. Raises OSError."""
    message = store.incoming(store.identity(), copies)
    try:
        await store.write(message, content)
        await store.deliver(message)
    except OSError:
        await store.abandon(message)
        raise
    return message.name


def files(mail: Path, part: str = "new") -> Kept:
    return {str(path.relative_to(mail)): path.read_bytes() for path in mail.glob(f"[!.]*/*/{part}/*")}


def links(mail: Path) -> Kept:
    return {
        str(path.relative_to(mail / ".hooks")): path.read_bytes() for path in mail.glob(".hooks/*/pending/*")
    }


def wanted_links(name: str, content: bytes) -> Kept:
    octets = COPIES[0].fields + content
    return {f"{hook.name}/pending/{link_name(name, ALICE)}": octets for hook in HOOKS}
