"""Telling a resolver that has old answers from one that changes them: a cache lets go in time. Pure."""

from dns.check.judge_resolvers import differing_answers
from dns.world.seen import Seen

SLACK = 10.0  # seconds: a resolver may be several machines, whose caches were filled one after the other

_Kept = tuple[str, str, str, frozenset[str]]  # resolver, name, type, values


class Lifetimes:
    """When answers must have run out that resolvers gave otherwise than the nameservers did."""

    def __init__(self) -> None:
        self._first: dict[_Kept, tuple[float, int]] = {}

    def outlived(self, seen: Seen, now: float) -> frozenset[str]:
        """The resolvers that still give such an answer although its time to live has passed.

        ``now`` is in seconds, of a clock that only goes forward.
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
