"""How far it is with asking servers: plain values, for a terminal to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dns.world.nameservers import Server


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of its questions a server answers as expected. `problem` is what is wrong with another."""

    server: Server
    good: int
    asked: int
    problem: str = ""

    @property
    def done(self) -> bool:
        """Whether the server answers everything as expected."""
        return self.good == self.asked


OnProgress = Callable[[Mapping[Server, Progress]], None]
"""Called with the progress of all servers whenever that of one has changed."""


def ignore(progress: Mapping[Server, Progress]) -> None:
    """Show nothing."""


class ProgressBoard:
    """The progress of several servers that are asked at once."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress, self._known = on_progress, dict[Server, Progress]()

    def set(self, progress: Progress) -> None:
        """Note the progress of one server, and pass on that of all."""
        self._known[progress.server] = progress
        self._on_progress(dict(self._known))
