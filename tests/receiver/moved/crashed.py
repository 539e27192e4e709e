"""A mail folder as a crash leaves it, which a mail client works on."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from receiver.mailbox import Mailbox
from receiver.reading import selection, stored
from receiver.smtp.transaction import trace
from receiver.storage.folders import Folders
from receiver.storage.log.record import Copy
from receiver.storage.log.recovery import recover
from tests.receiver.moved import dovecot
from tests.receiver.moved.dovecot import Session
from tests.receiver.storage.copies import SIZE
from tests.receiver.stores import new_store
from tests.receiver.wire import content_of

ALICE = Mailbox("example.test", "alice")
ORIGIN = trace.Origin("client.test", "192.0.2.1", "ESMTP", None)


class Crashed:
    """A mail folder whose receiver stored messages of one size and has not emptied its log."""

    def __init__(self, folder: Path, messages: int) -> None:
        self.mail = folder / "mail"
        self.box = self.mail / "example.test" / "alice"
        self._own = folder / "dovecot"
        self.contents = [b"Subject: %d\r\n\r\nx\r\n" % (100_000 + each) for each in range(messages)]
        kept = folder / "kept"
        store = new_store(self.mail, log=SIZE)

        async def send(content: bytes) -> None:
            identity = store.identity()
            received = trace.received_field(ORIGIN, "mx.test", identity, None, 1_800_000_000)
            copies = [Copy(ALICE, trace.copy_fields(None, str(ALICE)))]
            message = store.incoming(identity, copies, received)
            await store.write(message, content)
            await store.deliver(message)

        async def send_all() -> None:
            for each in self.contents:
                await send(each)

        asyncio.run(send_all())
        shutil.copytree(self.mail / ".wal", kept)
        store.close()
        shutil.rmtree(self.mail / ".wal")
        kept.rename(self.mail / ".wal")

    @contextlib.contextmanager
    def client(self) -> Iterator[Session]:
        with dovecot.session(self.box, self._own) as session:
            session.create("Archive")
            yield session

    def recover(self) -> int:
        return recover(Folders(self.mail))

    def found(self) -> Counter[bytes]:
        """How often each content is in the mailbox and its folders."""
        return contents(self.mail)


def contents(mail: Path) -> Counter[bytes]:
    boxes = stored.maildirs(mail, "alice")
    return Counter(content_of(Path(each.path).read_bytes()) for each in selection.everything(boxes))
