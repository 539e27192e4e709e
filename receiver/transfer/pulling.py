"""One pull: what the bucket has and this host never had is fetched, checked, placed and noted.

The order of the steps for a message is: fetched, checked against its key, written to tmp/, synced, placed in
new/, noted in the journal. So a run that is killed leaves nothing that the next one does not mend. What was
placed and not noted is recognised by its name, wherever its reader has moved it meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait

from receiver.bucket import keys
from receiver.bucket.keys import Key
from receiver.config.values import Config
from receiver.mailbox import Mailbox, is_folder_name
from receiver.transfer.fetching import GETS, Clients, Fetched, Fetcher, Wanted
from receiver.transfer.known import Known, message_of
from receiver.transfer.outcome import Away, Outcome
from receiver.transfer.pending import Waiting
from receiver.transfer.placing import Placing
from receiver.transfer.room import Room

_MOST_WAITING = 64  # objects that are fetched, or wait for it
_MOST_OCTETS = 67_108_864  # of these objects; a larger one is alone
_BATCH = 64  # messages that are placed at once
_SHOW = 1000  # objects of a list after which progress is told
_LIKE_OURS = re.compile(r"\d{4}-\d\d-\d\d/")  # what has another beginning is another program's, or a check
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Pull:
    """Pulls into one mail folder, again and again. `progress` is told how far a run is."""

    def __init__(
        self, config: Config, placing: Placing, known: Known, clients: Clients, waiting: Waiting
    ) -> None:
        self._served = {domain.name for domain in config.domains}
        self._placing, self._known, self._clients = placing, known, clients
        self._fetcher, self._room = Fetcher(config, placing, clients), Room(config)
        self._note_waiting = waiting.note
        self._is_first = True
        self._refused: set[str] = set()  # the objects that are no messages, which are said once
        self._postponed: set[str] = set()  # those that the bucket could not give, so others come first
        self.progress: Callable[[Outcome], None] = lambda outcome: None

    def close(self) -> None:
        self._fetcher.close()

    def run(self, prefixes: Iterable[str], outcome: Outcome) -> None:
        """Pull what is under the prefixes. Raises Away and OSError. What was fetched has its place then."""
        self._fetcher.begin(thorough=self._is_first)
        self._room.begin()
        run = _Run(
            self._known, self._placing, self._fetcher, self._room, self._refused, self._postponed,
            outcome, self.progress,
        )  # fmt: skip
        try:
            wanted = run.wanted(self._listed(prefixes, run))
            first = next(wanted, None)
            if first is not None:
                self._note_waiting()
                later = run.fetch(run.postpone(run.wanted(itertools.chain([first], wanted))))
                while later:  # other objects of messages that had one on its way
                    later = run.fetch(run.wanted(later))
        except _Full:  # It is in the outcome.
            run.finish_suppressed()
        except BaseException:
            run.finish_suppressed()
            raise
        self._is_first = False

    def _listed(self, prefixes: Iterable[str], run: _Run) -> Iterator[tuple[Key, int]]:
        """The objects that are messages of our domains, with their octets."""
        outcome = run.outcome
        for prefix in prefixes:
            for text, size, _ in self._clients.list(prefix):
                if outcome.listed % _SHOW == 0:
                    self.progress(outcome)
                outcome.listed += 1
                if self._known.is_settled_key(text):
                    continue
                key = keys.parse(text)
                if not _LIKE_OURS.match(text):
                    outcome.others += 1
                elif key is None or not _is_mailbox(key.mailbox):
                    run.refuse(text, "is not the key of a message")
                elif key.mailbox.domain not in self._served:
                    outcome.not_ours += 1
                else:
                    yield key, size


class _Full(Exception):
    """The disk is full. What comes next would not fit either."""


class _Run:
    """One run. Its methods are called by one thread."""

    def __init__(
        self, known: Known, placing: Placing, fetcher: Fetcher, room: Room, refused: set[str],
        postponed: set[str], outcome: Outcome, progress: Callable[[Outcome], None],
    ) -> None:  # fmt: skip
        self._known, self._placing, self._fetcher, self._room = known, placing, fetcher, room
        self._refused, self._postponed = refused, postponed
        self.outcome, self._progress = outcome, progress
        self._waiting: dict[Future[Fetched], Wanted] = {}
        self._fetched: list[Fetched] = []
        self._busy: set[tuple[Mailbox, str]] = set()  # messages of which an object is on its way
        self._unanswered = 0  # objects in turn that could not be fetched
        self._stop: Exception | None = None

    def wanted(self, objects: Iterable[tuple[Key, int]]) -> Iterator[tuple[Key, int]]:
        """Those that this host lacks."""
        for key, size in objects:
            if self._known.is_settled(*message_of(key)) or self._known.has_looked(key):
                continue
            # Another process may have put this one, and has noted it before that.
            self._known.journal.refresh()
            if not self._known.is_settled(*message_of(key)):
                yield key, size

    def fetch(self, objects: Iterable[tuple[Key, int]]) -> list[tuple[Key, int]]:
        """Fetch and place these. Returns what must wait, because it may be the same message."""
        later = []
        for key, size in objects:
            message = message_of(key)
            if message in self._busy:
                later.append((key, size))
                continue
            if str(key) in self._refused:
                self.outcome.refused += 1
                continue
            if why := self._room.take(key.mailbox, size):
                self.outcome.fail(why)
                continue
            self._make_place(size)
            self._busy.add(message)
            wanted = Wanted(key, size, self._known.is_forged(*message))
            self._waiting[self._fetcher.submit(wanted)] = wanted
        self.finish()
        return later

    def postpone(self, objects: Iterable[tuple[Key, int]]) -> Iterator[tuple[Key, int]]:
        """The same, with those last that could not be fetched before. So they hold up no others."""
        last = []
        for key, size in objects:
            if str(key) in self._postponed:
                last.append((key, size))
            else:
                yield key, size
        yield from last

    def refuse(self, key: str, why: str) -> None:
        if key in self._refused:
            self.outcome.refused += 1
        else:
            self._refused.add(key)
            self.outcome.refuse(f"{key}: {why}: not pulled")

    def finish(self) -> None:
        """Wait for what is on its way, and place it. Raises Away and OSError."""
        while self._waiting:
            self._take()
        self._place()
        self._end_if_stopped()

    def finish_suppressed(self) -> None:
        """Place what can be placed, after an error."""
        with contextlib.suppress(Away, OSError, _Full):
            self.finish()

    def _make_place(self, size: int) -> None:
        """Wait until one more object may be fetched."""
        while self._waiting and (
            len(self._waiting) >= _MOST_WAITING
            or size + sum(each.size for each in self._waiting.values()) > _MOST_OCTETS
        ):
            self._take()
        self._end_if_stopped()

    def _take(self) -> None:
        for each in wait(self._waiting, return_when=FIRST_COMPLETED).done:
            del self._waiting[each]
            self._fetched.append(each.result())
        if len(self._fetched) >= _BATCH:
            self._place()

    def _end_if_stopped(self) -> None:
        if self._stop:
            raise self._stop

    def _place(self) -> None:
        """Place what is in tmp/, and note it."""
        fetched, self._fetched = self._fetched, []
        for staged in self._placing.place([each.staged for each in fetched if each.staged]):
            self.outcome.moved += 1
            self.outcome.octets += staged.size
        had, looked = [], []
        for each in fetched:
            key, error = each.wanted.key, each.staged.error if each.staged else each.error
            if each.refusal:
                self.refuse(str(key), each.refusal)
            elif error:
                self.outcome.fail(f"{key.mailbox}: a message cannot be stored: {error.strerror}")
                self._stop = _Full() if error.errno in _FULL else self._stop
            elif each.away:
                self.outcome.fail(f"{key}: {each.away}")
                self._unanswered += 1
                self._postponed.add(str(key))
                if self._unanswered >= GETS:
                    self._stop = each.away
            elif each.is_missing:
                self.outcome.fail(f"{key}: is listed, and the bucket does not have it")
            else:
                self._unanswered = 0
                self._postponed.discard(str(key))
                had += [each.message] if each.message else []
                looked += [] if each.message and each.message.settles else [key]
            self._busy.discard(message_of(key))
        self._known.had(had, looked)
        self._progress(self.outcome)


def _is_mailbox(mailbox: Mailbox) -> bool:
    """Whether the mailbox can be one of ours. No name may lead out of the mail folder, or hide in it."""
    return (
        is_folder_name(mailbox.name)
        # `fold_local` composes before it folds, so its own result may not be composed.
        and mailbox.name.casefold() == mailbox.name
        and is_folder_name(mailbox.domain)
    )
