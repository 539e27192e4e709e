"""Putting messages of this host into the bucket, several at once.

Before a message is put, the journal says that it was here. So no pull on this host brings it back, whenever
its reader removes it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from receiver.bucket.client import Content
from receiver.bucket.protocol import Copy
from receiver.transfer.fetching import Clients, away
from receiver.transfer.known import Message
from receiver.transfer.mail_file import MailFile
from receiver.transfer.outcome import Away

PUTS = 8  # at once, because an engine takes many as fast as one
_OF_THE_MESSAGE = {errno.ENAMETOOLONG, errno.EFBIG}  # No bucket takes it, so its error says nothing of ours.


@dataclass(slots=True)
class Sent:
    """A message that was put. `label` is the caller's. `away` says why it was not put.

    `is_refused` says that the message is why, and not the bucket: others may well be put.
    """

    message: Message
    label: str
    size: int
    away: Away | None = None
    is_refused: bool = False


class Sender:
    """Puts messages. One thread uses it."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._threads = ThreadPoolExecutor(PUTS, "put")
        self._waiting: set[Future[Sent]] = set()
        self._unanswered = 0  # messages in turn that could not be put

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def begin(self, message: Message, file: MailFile, fd: int, label: str, hour: str = "") -> Iterator[Sent]:
        """Begin to put a message, whose file is open as `fd`. Yields those that have ended meanwhile.

        `hour` is that of its key; empty for the present one. Raises Away if the bucket answers none any more.
        """
        own = os.dup(fd)
        self._waiting.add(self._threads.submit(self._put, message, file, own, label, hour))
        while len(self._waiting) > PUTS:
            yield from self._ended()

    def finish(self) -> Iterator[Sent]:
        """Wait for all, and yield them. Raises Away."""
        while self._waiting:
            yield from self._ended()

    def _ended(self) -> Iterator[Sent]:
        done, self._waiting = wait(self._waiting, return_when=FIRST_COMPLETED)
        for each in done:
            sent = each.result()
            self._unanswered = self._unanswered + 1 if sent.away and not sent.is_refused else 0
            yield sent
            if sent.away and not sent.is_refused and self._unanswered >= PUTS:
                self._unanswered = 0
                raise sent.away

    def _put(self, message: Message, file: MailFile, fd: int, label: str, hour: str) -> Sent:
        """Put one message, on a thread."""
        sent = Sent(message, label, os.fstat(fd).st_size)
        try:
            self._clients.client.put(
                file.name,
                [Copy(message.mailbox, file.fields)],
                Content(fd, len(file.fields), sent.size - len(file.fields)),
                trace=file.trace,
                sender=file.sender,
                hour=hour,
            )
        except OSError as error:
            self._clients.forget()
            sent.away, sent.is_refused = away(error), error.errno in _OF_THE_MESSAGE
        finally:
            os.close(fd)
        return sent
