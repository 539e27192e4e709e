"""The messages in the Maildirs of this host, each opened once, also if a mail client moves it meanwhile.

Only mailboxes of the domains that the configuration has are read, and none whose name begins with a dot.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from receiver import maildir
from receiver.config.values import Config
from receiver.mailbox import Mailbox, is_folder_name
from receiver.reading import renamed, stored
from receiver.reading.stored import Maildir, Stored
from receiver.transfer import mail_file
from receiver.transfer.known import Message
from receiver.transfer.mail_file import MailFile

_LOOKS = 4  # for files that a mail client moved while a mailbox was read


@dataclass(frozen=True, slots=True)
class Local:
    """A message of a mailbox. `fd` is its file, open until the next one is asked for."""

    mailbox: Mailbox
    stored: Stored
    fd: int
    file: MailFile

    @property
    def message(self) -> Message:
        return Message(self.mailbox, self.file.tail, self.file.sender)


def mailboxes(config: Config) -> list[Maildir]:
    """The mailboxes that have a folder. Empty if there is no mail folder yet. Raises OSError."""
    served = {domain.name for domain in config.domains}
    try:
        found = stored.maildirs(config.mail)
    except FileNotFoundError:
        return []
    return [each for each in found if each.domain in served and is_folder_name(each.mailbox)]


def everything(config: Config, unreadable: Callable[[OSError], object] | None = None) -> Iterator[Local]:
    """All messages. What is no regular file, and what a client removes meanwhile, is none. Raises OSError.

    With `unreadable`, a file that cannot be opened raises nothing, and this is called with its error.
    """
    for box in mailboxes(config):
        yield from _mailbox(config, box, unreadable)


def _mailbox(config: Config, box: Maildir, unreadable: Callable[[OSError], object] | None) -> Iterator[Local]:
    """A file that was renamed after its name was read is looked for again, by its name without flags."""
    seen: set[str] = set()
    missing: set[str] | None = None
    for _ in range(_LOOKS):
        left: set[str] = set()
        # new/ is read before cur/, because clients move messages from the one to the other.
        for entry in stored.entries([box]):
            key = f"{entry.maildir.path}/{entry.name}"
            if key in seen or (missing is not None and entry.name not in missing):
                continue
            try:
                fd = stored.open_file(entry)
            except FileNotFoundError:
                left.add(entry.name)
                continue
            except OSError as error:
                if not Path(entry.path).is_file():
                    continue  # a link, a folder or a pipe
                error.filename = entry.path
                if unreadable is None:
                    raise
                seen.add(key)
                unreadable(error)
                continue
            seen.add(key)
            try:
                yield _read(config, box, entry, fd)
            finally:
                os.close(fd)
        if not left:
            return
        missing = left


def _read(config: Config, box: Maildir, entry: Stored, fd: int) -> Local:
    file = mail_file.read(
        mail_file.content(fd), entry.name, config.hostname, lambda: entry.arrived,
        is_read_only=not maildir.identity(entry.name) and renamed.is_as_received(entry),
    )  # fmt: skip
    return Local(Mailbox(box.domain, box.mailbox), entry, fd, file)


class Names:
    """The identities in the names of a mailbox's files, in all of its folders.

    With `thorough`, also those in the fields of files that a mail client renamed. A run needs that at its
    start: the one before may have been killed after it had placed a message and before it had noted that.
    """

    def __init__(self, config: Config, mailbox: Mailbox, *, thorough: bool) -> None:
        box = Maildir(mailbox.domain, mailbox.name, f"{config.mail}/{mailbox.domain}/{mailbox.name}")
        self._identities: set[str] = set()
        for entry in stored.entries([box]):
            found = mail_file.identity(entry.name)
            if not found and thorough:
                found = renamed.received_identity(entry)
            self._identities.add(found)

    def has(self, name: str) -> bool:
        """Whether the message is here whose file had that name when it came."""
        return mail_file.identity(name) in self._identities
