"""A mailbox with messages as the receiver leaves them, and what the reading commands make of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from receiver import maildir
from receiver.reading import selection, stored, summary
from receiver.reading.stored import Stored
from receiver.reading.summary import Summary
from tests.receiver.moved import dovecot
from tests.receiver.reading.results import GENUINE, written
from tests.receiver.stored_mail import Mail

ABOVE = written(GENUINE)


class Mailbox:
    """The mailbox alice@example.test, of a mail folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.mail = Mail(folder / "mail")
        self.path = folder / "mail" / "example.test" / "alice"
        self._own = folder / "dovecot"

    def receive(self, subject: str) -> str:
        """Store a message really from gmail.com, made as the receiver makes it. Returns its identity."""
        path = self.mail.store(f"From: Zoe <zoe@gmail.com>\nSubject: {subject}\n\nx\n", above=ABOVE)
        path.chmod(maildir.FILE_MODE)
        seconds = int(path.name.partition(".")[0])
        os.utime(path, (seconds, seconds))
        return maildir.identity(path.name)

    @contextmanager
    def client(self) -> Iterator[dovecot.Session]:
        """A mail client, with INBOX selected."""
        with dovecot.session(self.path, self._own) as session:
            yield session

    @property
    def boxes(self) -> list[stored.Maildir]:
        return stored.maildirs(self.mail.folder)

    def find(self, wanted: str) -> list[Stored]:
        return selection.find(self.boxes, wanted)

    def read(self, wanted: str) -> Summary:
        """The summary of the message that the user gets for that id."""
        return summary.read(self.find(wanted)[0])

    def all(self) -> list[Summary]:
        """All messages, the newest first."""
        return [summary.read(each) for each in selection.newest(self.boxes, 1000)]


def rename_by_copying(client: dovecot.Session, number: str, folder: str) -> None:
    """Move a message so that it gets another name: Dovecot gives one to the second file of a name."""
    client.do("COPY", number, folder)
    client.do("COPY", number, folder)
    client.store(number, "+FLAGS", "\\Deleted")
    client.expunge()
    client.select(folder)
    client.store("1", "+FLAGS", "\\Deleted")
    client.expunge()
