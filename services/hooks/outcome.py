"""How a try ended. A try that failed is a `schedule.Failure`."""

from __future__ import annotations

from dataclasses import dataclass

from services.hooks.schedule import Failure


@dataclass(frozen=True, slots=True)
class Delivered:
    """The target took the message. `how` is a word for the log, such as its status."""

    how: str
    output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stopped:
    """The target wants no messages any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A command failed. `output` are lines that it wrote."""

    failure: Failure
    output: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vanished:
    """There is no message of this name any more."""


@dataclass(frozen=True, slots=True)
class NotAMessage:
    """The entry is a link, a folder or another thing, and is left alone."""


Outcome = Delivered | Stopped | Failure | Refused | Vanished | NotAMessage
