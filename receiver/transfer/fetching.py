"""Fetching objects on several threads at once: each is checked against its key and written to tmp/."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from receiver.bucket.client import Client, Head, Listed
from receiver.bucket.keys import Key
from receiver.bucket.protocol import SENDERS, Sender
from receiver.config.values import Config
from receiver.mailbox import Mailbox
from receiver.transfer import mail_file
from receiver.transfer.known import Message, message_of
from receiver.transfer.local_mail import Names
from receiver.transfer.outcome import Away
from receiver.transfer.placing import Placing, Staged

GETS = 8  # at once, because an engine answers many as fast as one


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object to fetch. If `is_forged`, the message is here, and only an authentic copy is wanted."""

    key: Key
    size: int
    is_forged: bool = False


@dataclass(slots=True)
class Fetched:
    """What became of an object.

    If it is a message, `message` says which, and `staged` is its file in tmp/; None if it was here already.
    Without a message there is one reason: a `refusal`, an `error` of the disk, `away`, or `is_missing`.
    Without a reason it is not wanted.
    """

    wanted: Wanted
    message: Message | None = None
    staged: Staged | None = None
    refusal: str = ""
    error: OSError | None = None
    away: Away | None = None
    is_missing: bool = False  # listed, and not there


class Clients:
    """A connection to the service for each thread. An error of the service or of the bucket is Away."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._of_thread = threading.local()
        self._all: list[Client] = []

    def close(self) -> None:
        for each in self._all:
            each.close()

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects under a prefix, in the order of their keys."""
        try:
            yield from self.client.list(prefix)
        except OSError as error:
            self.forget()
            raise away(error) from None

    @property
    def client(self) -> Client:
        found: Client | None = getattr(self._of_thread, "client", None)
        if found is None:
            found = self._of_thread.client = self._make()
            self._all.append(found)
        return found

    def forget(self) -> None:
        """Connect anew at the next call of this thread."""
        found: Client | None = getattr(self._of_thread, "client", None)
        if found is not None:
            found.close()
            self._all.remove(found)
            self._of_thread.client = None


class Fetcher:
    """Fetches for one pull."""

    def __init__(self, config: Config, placing: Placing, clients: Clients) -> None:
        self._config, self._placing, self._clients = config, placing, clients
        self._threads = ThreadPoolExecutor(GETS, "get")
        self._names: dict[Mailbox, Names] = {}
        self._lock = threading.Lock()
        self._thorough = True

    def begin(self, *, thorough: bool) -> None:
        """Begin a run. If `thorough`, what is here is looked for as `Names` says."""
        self._names.clear()
        self._thorough = thorough

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def submit(self, wanted: Wanted) -> Future[Fetched]:
        return self._threads.submit(self._fetch, wanted)

    def _fetch(self, wanted: Wanted) -> Fetched:
        result = Fetched(wanted)
        try:
            client = self._clients.client
            if wanted.is_forged and client.head(str(wanted.key)).sender != "authentic":
                return result
            head, file = client.get(str(wanted.key))
        except FileNotFoundError as error:
            # Either the object has gone since it was listed, or the service's socket is not there. A store
            # that is being mended may say for a while that it has no such object.
            result.away = away(error) if error.filename else None
            result.is_missing = not error.filename
            return result
        except OSError as error:
            if error.errno == errno.EFBIG:  # It is a fault of this object, and not of the bucket.
                result.refusal = str(error.strerror)
                return result
            self._clients.forget()
            result.away = away(error)
            return result
        try:
            with file:
                self._stage(result, head, mail_file.content(file.fileno()))
        except OSError as error:
            result.error = error
        return result

    def _stage(self, result: Fetched, head: Head, octets: memoryview) -> None:
        name = head.name
        mailbox, tail = message_of(result.wanted.key)
        result.refusal = mail_file.problem(tail, name, octets)
        if result.refusal:
            return
        if not self._names_of(mailbox).has(name):
            result.staged = self._placing.stage(
                mailbox, name, octets, mail_file.arrived(name), is_ours=mail_file.is_ours(name)
            )
        result.message = Message(mailbox, tail, _sender(head.sender))

    def _names_of(self, mailbox: Mailbox) -> Names:
        with self._lock:
            if mailbox not in self._names:
                self._names[mailbox] = Names(self._config, mailbox, thorough=self._thorough)
            return self._names[mailbox]


def _sender(text: str) -> Sender:
    """What the metadata of an object say of its sender. What they do not say is not known."""
    return next((each for each in SENDERS if each == text), "unknown")


def away(error: OSError) -> Away:
    """What an error of the client means, for people."""
    reason = error.strerror or str(error)
    return Away(f"{error.filename}: {reason}" if error.filename else reason)
