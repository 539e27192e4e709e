"""Messages that a sender sends one after the other, while something is changed."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.tls.postfix import Attempt, Sender
from tests.waiting import wait_until


@dataclass(frozen=True)
class Load:
    """The messages that a sender is handed one after the other."""

    sender: Sender
    prefix: str

    def identifier(self, number: int) -> str:
        return f"{self.prefix}.{number:06}@sender.test"

    def attempts(self) -> dict[str, list[Attempt]]:
        """What came of each message, by its identifier."""
        everything = self.sender.attempts()
        return {mark: tried for mark, tried in everything.items() if mark.startswith(self.prefix)}

    def goes_on(self) -> None:
        """Wait until a few messages more are handed over and tried."""
        before = len(self.attempts())
        wait_until(lambda: len(self.attempts()) >= before + 5, "the sender sends")
