"""From where a domain is looked at, and how what is being looked at is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dns.world import answers
from dns.world.answers import Answer
from dns.world.greeting import CONNECT_SECONDS
from dns.world.served import Progress, Server

if TYPE_CHECKING:
    from dns.resolver import Resolver

Show = Callable[[Mapping[Server, Progress]], None]
# Mail hosts that are always there, and greet by a name of their own organisation: where none of them can be
# reached either, or another greets in their place, it is not ours that is closed.
REFERENCES = ("gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com")
PUBLIC_RESOLVERS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
"""Resolvers that are no part of this network, and that check signatures (RFC 4035)."""


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
        """What the first resolver says that gives an answer; else what the last one did.

        It never counts as authoritative: a network can rewrite what its resolver says.
        """
        answer = Answer(status="", silence="no resolver")
        for server in self.resolvers:
            answer = answers.ask(server.address, name, kind, port=self.resolver.port, recursive=True)
            if answer.exists is not None:
                break
        return replace(answer, authoritative=False)


class Rows:
    """What is shown while it is looked: a row for each place that is asked."""

    def __init__(self, show: Show) -> None:
        self._show, self._known = show, dict[Server, Progress]()

    def set(self, progress: Progress) -> None:
        """Show how one of them stands now."""
        self._known[progress.server] = progress
        self._show(dict(self._known))
