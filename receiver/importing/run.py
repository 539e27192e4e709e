"""Importing the messages of a source one by one, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from receiver import headers
from receiver.cli import terminal
from receiver.cli.terminal import Screen
from receiver.importing.found import Found, SourceError, date_of_head, marks_of
from receiver.importing.index import Index
from receiver.importing.target import Incoming, Target

_MOST_PROBLEMS = 20
_EVERY = 0.2  # seconds


@dataclass(slots=True)
class Outcome:
    """How an import went. `problems` are the first 20, each with its place in the source."""

    mailbox: str
    source: str
    dry_run: bool
    imported: int = 0
    already_there: int = 0
    not_imported: int = 0
    octets: int = 0  # of the messages that were imported
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_problem(self, text: str) -> None:
        """Note something that could not be imported."""
        self.not_imported += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints. Keys are only ever added."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def sentence(self) -> str:
        verb = "would be imported" if self.dry_run else "imported"
        noun = "message" if self.imported == 1 else "messages"
        text = f"{self.imported} {noun} {verb} into {self.mailbox} ({terminal.size(self.octets)})"
        if self.already_there:
            text += f"; {self.already_there} already in the mailbox"
        if self.not_imported:
            text += f"; {self.not_imported} not imported"
        return text


class Import:
    """An import into the mailbox `target`. `subfolder` is where messages go whose source names no folder."""

    def __init__(
        self, target: Target, index: Index, outcome: Outcome, screen: Screen, subfolder: str
    ) -> None:
        self._target, self._index, self._outcome = target, index, outcome
        self._screen, self._subfolder = screen, subfolder
        self._shown_at = 0.0

    def take(self, messages: Iterable[Found | str]) -> None:
        """Import all messages. A string is a problem. A source that breaks off leaves what came before it.

        Raises OSError if the mailbox cannot be written. What was made durable before stays.
        """
        try:
            for message in messages:
                if isinstance(message, str):
                    self._outcome.add_problem(message)
                else:
                    self._take(message)
        except SourceError as error:
            self._outcome.add_problem(str(error))
        self._target.commit()

    def _take(self, found: Found) -> None:
        incoming = self._target.begin(self._outcome.dry_run)
        is_taken = False
        try:
            head = _read(found, incoming)
            if not incoming.size:
                self._outcome.add_problem(f"{found.place}: is empty")
            elif self._index.has(incoming.key, incoming.size):
                self._outcome.already_there += 1
            else:
                if not self._outcome.dry_run:
                    self._add(found, incoming, headers.parse_fields(head))
                self._outcome.imported += 1
                self._outcome.octets += incoming.size
                is_taken = True
        except OSError as error:
            error.filename = f"{found.place}: {error.filename or self._target.path}"
            raise
        finally:
            if not is_taken:
                incoming.drop()
        self._show(found.place)

    def _add(self, found: Found, incoming: Incoming, fields: headers.Fields) -> None:
        now = time.time()
        seconds = date_of_head(fields) if found.seconds is None else found.seconds
        seconds = now if seconds is None else min(max(seconds, 0.0), now)
        marks = marks_of(fields) if found.marks is None else found.marks
        self._target.add(incoming, found.folder or self._subfolder, seconds, marks)

    def _show(self, place: str) -> None:
        now = time.monotonic()
        if now - self._shown_at > _EVERY:
            self._shown_at = now
            self._screen.live(f"{self._outcome.sentence}: {terminal.plain(place)}")


def _read(found: Found, incoming: Incoming) -> bytes:
    """Read a message whole, and return its header section, cut to a limit."""
    head, in_head = bytearray(), True
    for piece in found.pieces:
        incoming.write(piece)
        if in_head:
            before = max(0, len(head) - 3)
            head += piece[: headers.MAX_HEAD - len(head)]
            ends = [at for at in (head.find(b"\n\n", before), head.find(b"\n\r\n", before)) if at >= 0]
            in_head = not ends and len(head) < headers.MAX_HEAD
            del head[min(ends) + 1 if ends else len(head) :]
    return bytes(head)
