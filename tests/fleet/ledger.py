"""What the senders of a fleet know: the messages they offered, the answers to each, and when they came."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.receiver.processes import wait_until

Mailboxes = tuple[str, ...]


@dataclass
class Ledger:
    """Messages by the SHA-256 of their content, each with the mailboxes it is for."""

    offered: dict[str, Mailboxes] = field(default_factory=dict)
    acknowledged: dict[str, Mailboxes] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    """How often the connection of a message was lost after its last octet was sent and before the answer."""
    replies: Counter[str] = field(default_factory=Counter)
    """The codes of the answers to the contents, and the names of the errors that came in their place."""
    wrong: list[str] = field(default_factory=list)
    """Answers that no sender should get: 5xx, or none within a minute."""
    slowest: float = 0.0
    """Seconds to the slowest reply to any command or content."""
    times: list[float] = field(default_factory=list)
    """`time.monotonic()` of each 250 for a content, ascending."""
    by_port: Counter[int] = field(default_factory=Counter)
    """How many contents each MX acknowledged, by its port."""
    closed: bool = False
    """Whether the senders begin no new message. They go on with the ones that are not acknowledged."""

    def accept(self, digest: str, port: int) -> None:
        self.by_port[port] += 1
        self.acknowledged[digest] = self.offered[digest]
        self.times.append(time.monotonic())

    def pause_since(self, start: float, end: float | None = None) -> float:
        """The longest time without any 250, in seconds, from `start` on."""
        end = time.monotonic() if end is None else end
        moments = [start, *(each for each in self.times if start <= each <= end), end]
        return max(after - before for before, after in pairwise(moments))

    def wait_for_more(self, ports: Sequence[int]) -> None:
        """Wait until each MX acknowledges another message."""
        before = self.by_port.copy()
        wait_until(
            lambda: all(self.by_port[port] > before[port] for port in ports), "mail goes on at each MX"
        )

    @property
    def summary(self) -> str:
        """How often each answer came."""
        return ", ".join(f"{count} times {code}" for code, count in sorted(self.replies.items()))

    @property
    def given_up(self) -> dict[str, Mailboxes]:
        """The messages that no receiver ever acknowledged. They may be in their mailboxes or not."""
        return {digest: boxes for digest, boxes in self.offered.items() if digest not in self.acknowledged}
