"""From where a domain is looked at, and how what is being looked at is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dns import answers
from dns.answers import Answer
from dns.greeting import CONNECT_SECONDS
from dns.served import Progress, Server

if TYPE_CHECKING:
    from dns.resolver import Resolver

Show = Callable[[Mapping[Server, Progress]], None]
# Mail hosts that are always there: where none of them can be reached either, it is not ours that is closed.
REFERENCES = ("gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com")


@dataclass(frozen=True, slots=True)
class From:
    """Where and how is asked. ``resolvers`` are addresses, the first of them looks names up."""

    resolver: "Resolver"
    resolvers: tuple[Server, ...]
    port: int = 53
    smtp_port: int = 25
    smtp_seconds: float = CONNECT_SECONDS
    references: tuple[str, ...] = REFERENCES

    def resolve(self, name: str, kind: str) -> Answer:
        """What the resolver answers."""
        answer = Answer(status="", silence="no resolver")
        for address in self.resolver.nameservers:
            answer = answers.ask(str(address), name, kind, port=self.resolver.port, recursive=True)
            if answer.exists is not None:
                break
        return answer


class Rows:
    """What is shown while it is looked: a row for each place that is asked."""

    def __init__(self, show: Show) -> None:
        self._show, self._known = show, dict[Server, Progress]()

    def set(self, progress: Progress) -> None:
        """Show how one of them stands now."""
        self._known[progress.server] = progress
        self._show(dict(self._known))
