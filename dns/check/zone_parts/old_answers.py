"""Telling a resolver that has old answers from one that changes answers: a cache forgets in time. Pure."""

from __future__ import annotations

from dns.check.zone_parts.resolvers import differing_answers
from dns.world.seen import Seen

SLACK = 10.0  # seconds: a resolver may be several machines, whose caches were filled at different times

_Kept = tuple[str, str, str, frozenset[str]]  # resolver, name, type, values


class OldAnswers:
    """When each answer was first seen that differs from the nameservers', and its longest TTL."""

    def __init__(self) -> None:
        self._first: dict[_Kept, tuple[float, int]] = {}

    def expired(self, seen: Seen, now: float) -> frozenset[str]:
        """Return the resolvers that still give such an answer although its TTL has passed.

        `now` is in seconds, of a clock that only goes forward.
        """
        late: set[str] = set()
        for one in seen.resolvers:
            for question, answer in differing_answers(one, seen):
                kept = (one.server.address, question.name, question.type, answer.values)
                since, longest = self._first.get(kept, (now, 0))
                longest = max(longest, answer.ttl)
                self._first[kept] = (since, longest)
                if now > since + longest + SLACK:
                    late.add(one.server.address)
        return frozenset(late)
