"""What a run has done, for people, for scripts and for the journal of the unit."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from receiver.cli import terminal

_MOST_PROBLEMS = 20


class Away(Exception):
    """The service of the bucket, or the bucket, does not answer. `str(e)` says which, and what it said."""


@dataclass(slots=True)
class Outcome:
    """Counts of messages. `problems` are the first 20. With `dry_run`, `moved` are those that would be."""

    verb: str  # pulled, or pushed
    dry_run: bool = False
    listed: int = 0  # objects of the bucket, or messages in the Maildirs, that were looked at
    moved: int = 0
    octets: int = 0  # of those
    not_ours: int = 0  # of domains that the configuration does not have
    others: int = 0  # what another program put into the bucket
    refused: int = 0  # what is no message, or not the one that its name says
    failed: int = 0  # what could not be stored, and is tried again
    problems: list[str] = field(default_factory=list)

    def refuse(self, text: str) -> None:
        self.refused += 1
        self._add(text)

    def fail(self, text: str) -> None:
        self.failed += 1
        self._add(text)

    def unreadable(self, error: OSError) -> None:
        self.fail(f"{error.filename}: {error.strerror}: make it readable for the owner of the mail folder")

    @property
    def is_good(self) -> bool:
        return not self.refused and not self.failed

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints. Keys are only ever added."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "verb"} | {
            self.verb: self.moved
        }

    @property
    def sentence(self) -> str:
        verb = f"would be {self.verb}" if self.dry_run else self.verb
        text = f"{self.moved} {'message' if self.moved == 1 else 'messages'} {verb}"
        text += f" ({terminal.size(self.octets)}); {self.listed} looked at"
        for number, what in (
            (self.not_ours, "of other domains"),
            (self.others, "are no mail"),
            (self.refused, "refused"),
            (self.failed, f"not {self.verb} yet"),
        ):
            text += f"; {number} {what}" if number else ""
        return text

    def _add(self, text: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS and text not in self.problems:
            self.problems.append(text)
