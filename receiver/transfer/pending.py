"""The queue of the bucket (`receiver.bucket_queue`): messages that this disk has and the bucket lacks.

A link is removed when the bucket's service has answered that the bucket has the message, and only then. What
is no message is left alone.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator

from receiver import bucket_queue, hook_queue, maildir
from receiver.config.values import Config
from receiver.mailbox import Mailbox
from receiver.transfer import local_mail, mail_file
from receiver.transfer.fetching import Clients
from receiver.transfer.known import Known, Message
from receiver.transfer.mail_file import MailFile
from receiver.transfer.outcome import Away, Outcome
from receiver.transfer.sending import Sender, Sent

_BATCH = 128  # messages that are noted at once, before they are put
_LARGE = 1_048_576  # octets of a message that is put alone after it has failed
_TICK = 1_000_000_000  # ns; two changes of a folder within this time may have the same st_mtime
_SHARE = 20  # Looking at a large folder may take a twentieth of the time.


class Pending:
    """The queue of a mail folder. Its folder may be missing."""

    def __init__(self, config: Config) -> None:
        self.folder = bucket_queue.queue(config.mail).pending
        self._config = config
        self._changed = -1
        self._again_at = 0.0
        self._mailboxes: dict[str, Mailbox] = {}  # by the digits in the names

    def changed(self) -> list[str] | None:
        """The names of all messages, the oldest first. None if nothing changed since the last call."""
        now = time.monotonic()
        if now < self._again_at:
            return None
        try:
            then = self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if then == self._changed:
            return None
        # A folder that changed just now may change again without a new st_mtime.
        self._changed = then if time.time_ns() - then > _TICK else -1
        names = [name for name in os.listdir(self.folder) if self._file_of(name)]  # noqa: PTH208
        self._again_at = now + (time.monotonic() - now) * _SHARE
        return sorted(names, key=hook_queue.age)

    def forget(self) -> None:
        """Let `changed` return all names at the next call."""
        self._changed = -1

    @contextlib.contextmanager
    def read(self, name: str) -> Iterator[tuple[int, Message, MailFile] | None]:
        """A message, whose file is open until the context ends. None if there is none. Raises OSError."""
        mailbox, fd = self._mailbox(name), -1
        try:
            fd = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            if (self.folder / name).is_symlink() or not (self.folder / name).is_file():
                yield None
                return
            raise
        try:
            if mailbox is None or not stat.S_ISREG(os.fstat(fd).st_mode):
                yield None
                return
            octets = mail_file.content(fd)
            # Only the receiver makes links here, whatever a mail client does to the file's other name.
            name = hook_queue.file_of(name) or ""
            file = mail_file.read(octets, name, self._config.hostname, time.time, is_read_only=True)
            yield fd, Message(mailbox, file.tail, file.sender), file
        finally:
            os.close(fd)

    def done(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.folder / name)  # noqa: PTH108

    def _file_of(self, name: str) -> str:
        file = hook_queue.file_of(name) or ""
        return file if maildir.identity(file) and mail_file.is_name(file) else ""

    def _mailbox(self, name: str) -> Mailbox | None:
        digits = name[-8:]
        if digits not in self._mailboxes:
            for domain in self._config.domains:
                for box in domain.mailboxes or ():
                    self._enter(Mailbox(domain.name, box))
            for found in local_mail.mailboxes(self._config):
                self._enter(Mailbox(found.domain, found.mailbox))
        return self._mailboxes.get(digits)

    def _enter(self, mailbox: Mailbox) -> None:
        self._mailboxes[hook_queue.digits(mailbox)] = mailbox


class Waiting:
    """Notes what waits in a queue, before a pull places anything.

    Else a message that waits here, and that its sender gave to another host as well, would come twice.
    """

    def __init__(self, config: Config, known: Known) -> None:
        self._pending, self._known = Pending(config), known
        self._noted: set[str] = set()

    def note(self) -> None:
        """Note what came since the last call. Raises OSError."""
        names = self._pending.changed()
        if names is None:
            return
        messages, unread = [], set[str]()
        for name in names:
            if name not in self._noted:
                try:
                    with self._pending.read(name) as found:
                        messages += [found[1]] if found else []
                except OSError:  # A file that cannot be read must hold up no other. Push says it.
                    unread.add(name)
        self._known.had(messages)
        self._noted = set(names) - unread


class Drain:
    """Empties a queue into the bucket."""

    def __init__(self, config: Config, known: Known, clients: Clients) -> None:
        self.pending = Pending(config)
        self._config, self._known = config, known
        self._sender = Sender(clients)
        self._away: Away | None = None  # why the last one could not be put
        self.failed: set[str] = set()  # the names that the last run could not put
        self._postponed: set[str] = set()  # those that failed before, so others come first

    def close(self) -> None:
        self._sender.close()

    def run(self, names: list[str], outcome: Outcome) -> None:
        """Put these messages. Raises Away and OSError. What was put until then has left the queue.

        Away means that none could be put. If only some could not, the outcome has them.
        """
        self._away = None
        self.failed.clear()
        names = sorted(names, key=self._postponed.__contains__)
        try:
            for at in range(0, len(names), _BATCH):
                self._put(names[at : at + _BATCH], outcome)
            self._note(self._sender.finish(), outcome)
            if self._away and not outcome.moved:
                raise self._away
        except BaseException:
            with contextlib.suppress(Exception):
                self._note(self._sender.finish(), outcome)
            raise

    def _put(self, names: list[str], outcome: Outcome) -> None:
        with contextlib.ExitStack() as opened:
            found = []
            for name in names:
                try:
                    found.append((name, opened.enter_context(self.pending.read(name))))
                except OSError as error:
                    self._fail(name, f"{self.pending.folder / name}: {error.strerror}", outcome)
            self._known.had(each[1] for _, each in found if each)
            for name, each in found:
                if each:
                    outcome.listed += 1
                    fd, message, file = each
                    # What is large may have failed because others took their part of the line.
                    is_alone = name in self._postponed and os.fstat(fd).st_size > _LARGE
                    if is_alone:
                        self._note(self._sender.finish(), outcome)
                    self._note(self._sender.begin(message, file, fd, name), outcome)
                    if is_alone:
                        self._note(self._sender.finish(), outcome)

    def _note(self, ended: Iterator[Sent], outcome: Outcome) -> None:
        for each in ended:
            if each.away:
                self._away = self._away if each.is_refused else each.away
                self._fail(each.label, f"{each.label}: {each.away}", outcome)
                continue
            self.pending.done(each.label)
            self._postponed.discard(each.label)
            outcome.moved += 1
            outcome.octets += each.size

    def _fail(self, name: str, why: str, outcome: Outcome) -> None:
        self.failed.add(name)
        self._postponed.add(name)
        outcome.fail(why)
