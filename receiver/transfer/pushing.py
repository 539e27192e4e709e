"""One push: what the Maildirs have and the bucket lacks is put there, under the hour of its arrival.

The difference of two listings decides. So a push may be killed anywhere, and the next one completes it. The
whole bucket is listed first. A message of 10 KiB is read and hashed in 0.1 ms.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from receiver import bucket_queue
from receiver.bucket import keys
from receiver.bucket.keys import Key
from receiver.config.values import Config
from receiver.storage.folders import Folders
from receiver.transfer import journal, local_mail
from receiver.transfer.fetching import Clients, away
from receiver.transfer.known import Known, Message, entry, message_of
from receiver.transfer.local_mail import Local
from receiver.transfer.outcome import Outcome
from receiver.transfer.sending import Sender, Sent

_BATCH = 128  # messages that are noted at once, before they are put
_MOST_HERE = 1000  # messages that need not be put, which are noted at once
_FIRST = 946_684_800  # 2000: no message arrived before, whatever its name says


class Push:
    """A push of one mail folder. `progress` is told how far it is."""

    def __init__(
        self, config: Config, folders: Folders, known: Known, clients: Clients, outcome: Outcome
    ) -> None:
        self._config, self._folders, self._known, self._clients = config, folders, known, clients
        self._outcome = outcome
        # The messages in the bucket, each with the hour of its key and its octets.
        self._there: dict[bytes, tuple[str, int]] = {}
        self._sender = Sender(clients)
        self._batch: list[tuple[Local, int]] = []  # messages with their open files, before they are put
        self._here: list[Message] = []  # that need not be put, before that is noted
        self._sent: list[Message] = []  # that the bucket has now, before that is noted
        self.progress: Callable[[Outcome], None] = lambda outcome: None

    def run(self) -> None:
        """Push. Raises Away and OSError."""
        try:
            self._list()
            for each in local_mail.everything(self._config, self._outcome.unreadable):
                self._outcome.listed += 1
                if self._outcome.listed % 100 == 0:
                    self.progress(self._outcome)
                if self._is_wanted(each):
                    self._push(each)
                elif not self._outcome.dry_run:
                    self._here.append(each.message)
                    if len(self._here) >= _MOST_HERE:
                        self._note_here()
            self._note_here()
            self._begin()
            self._note(self._sender.finish())
        finally:
            for _, fd in self._batch:
                os.close(fd)
            self._sender.close()
            self._known.sent(self._sent)
        if self._outcome.is_good and not self._outcome.dry_run:
            _write_pushed(self._config.mail, self._folders, self._outcome.listed)

    def _list(self) -> None:
        for text, size, _ in self._clients.list(""):
            if key := keys.parse(text):
                mailbox, tail = message_of(key)
                kind = "authentic" if key.tail.endswith(keys.AUTHENTIC) else "there"
                found = entry(kind, mailbox, tail)
                if size >= self._there.get(found, ("", 0))[1]:
                    self._there[found] = key.hour, size

    def _is_wanted(self, each: Local) -> bool:
        """Whether the bucket lacks the message, or has only a copy that was not shown to be authentic.

        An object that is shorter than the message is none: something else has made it, or spoiled it.
        """
        message = each.message
        hour, size = self._there.get(entry("there", message.mailbox, message.tail), ("", -1))
        if size < os.fstat(each.fd).st_size - each.file.trace:
            return True
        if message.sender != "authentic" or entry("authentic", message.mailbox, message.tail) in self._there:
            return False
        return not self._known.is_sent(message) and self._is_forged_there(message, hour)

    def _is_forged_there(self, message: Message, hour: str) -> bool:
        if not hour:  # We have put that copy ourselves just now.
            return True
        key = Key(hour, message.mailbox, message.tail)
        try:
            return self._clients.client.head(str(key)).sender == "forged"
        except FileNotFoundError:
            return True
        except OSError as error:
            raise away(error) from None

    def _push(self, each: Local) -> None:
        # A copy in another folder of the mailbox is the same message.
        kind = "authentic" if each.message.sender == "authentic" else "there"
        size = os.fstat(each.fd).st_size
        self._there[entry(kind, each.mailbox, each.file.tail)] = "", size
        self._there.setdefault(entry("there", each.mailbox, each.file.tail), ("", size))
        if self._outcome.dry_run:
            self._outcome.moved += 1
            self._outcome.octets += size
            return
        self._batch.append((each, os.dup(each.fd)))
        if len(self._batch) >= _BATCH:
            self._begin()

    def _note_here(self) -> None:
        self._known.had(self._here)
        self._here.clear()

    def _begin(self) -> None:
        """Put the batch, after the journal has it."""
        self._known.had(each.message for each, _ in self._batch)
        while self._batch:
            each, fd = self._batch.pop()
            try:
                ended = self._sender.begin(
                    each.message, each.file, fd, each.stored.path, _hour(each.file.name)
                )
                self._note(ended)
            finally:
                os.close(fd)

    def _note(self, ended: Iterator[Sent]) -> None:
        for each in ended:
            if each.away:
                self._outcome.fail(f"{each.label}: {each.away}")
                continue
            self._outcome.moved += 1
            self._outcome.octets += each.size
            self._sent.append(each.message)
        if len(self._sent) >= _BATCH:
            self._known.sent(self._sent)
            self._sent.clear()


def _hour(name: str) -> str:
    seconds = int(name.partition(".")[0])
    return keys.hour(min(max(seconds, _FIRST), time.time()))


def note_empty(config: Config, folders: Folders) -> None:
    """A host without a message has nothing to push. Note that for the doctor, if it can be done.

    The receiver does this before it takes the first message for a bucket, since any later message may be
    missed. The first push and the first pull do it for a host that has got another bucket.
    """
    with contextlib.suppress(OSError):
        if bucket_queue.pushed(config.mail).exists():
            return
        if next(local_mail.everything(config), None) is None:
            _write_pushed(config.mail, folders, 0)


def _write_pushed(mail: Path, folders: Folders, files: int) -> None:
    path = bucket_queue.pushed(mail)
    folders.make_folder(path.parent)
    said = {"at": int(time.time()), "files": files}
    journal.write_file(folders, path, json.dumps(said).encode())
