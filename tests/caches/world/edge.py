"""Cloudflare's edge: it serves what a Worker's script says, each change some time after it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dns.mta_sts.policy import Policy, Served, parse
from tests.caches.world.clock import Clock

Texts = Callable[[], Mapping[str, str]]
"""What the policy host of each domain is to serve, by the scripts that stand now."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a policy host is to serve, and from when on. An empty text takes the policy host away."""

    made: datetime
    seen: datetime
    """When the slowest place of the edge has it."""
    text: str

    @property
    def policy(self) -> Policy | None:
        return parse(self.text) if self.text else None


NEVER = datetime.min.replace(tzinfo=UTC)
NOTHING = Upload(NEVER, NEVER, "")


@dataclass(slots=True)
class Edge:
    """All places of the edge together. A sender meets the slowest of them."""

    texts: Texts
    clock: Clock
    delay: float = 0.0
    """In seconds, until the slowest place has what was uploaded."""
    ahead: float = 9.0
    """By how many seconds sooner our own code meets it, because it asks a faster place."""
    fails: bool = False
    """Whether nobody gets an answer."""
    _uploads: dict[str, list[Upload]] = field(default_factory=dict)

    def publish(self) -> None:
        """Take over what the scripts say now. Called after every change of them."""
        texts, now = self.texts(), self.clock.now
        for domain in {*texts, *self._uploads}:
            history = self._uploads.setdefault(domain, [])
            text = texts.get(domain, "")
            if text != (history[-1] if history else NOTHING).text:
                history.append(Upload(now, now + timedelta(seconds=self.delay), text))

    def serves(self, domain: str, *, ahead: float = 0.0) -> Upload:
        """What the slowest place serves now, whether it answers or not."""
        at = self.clock.now + timedelta(seconds=ahead)
        return [NOTHING, *(one for one in self._uploads.get(domain, ()) if one.seen <= at)][-1]

    def latest(self, domain: str) -> Upload:
        """What was uploaded last, whether any place has it yet or not."""
        return [NOTHING, *self._uploads.get(domain, ())][-1]

    def history(self, domain: str) -> list[Upload]:
        """All that was uploaded, oldest first."""
        return self._uploads.get(domain, [])

    def answer(self, domain: str) -> Served:
        """What our own code gets from its place, as `dns.world.policy.fetch` says it."""
        if self.fails:
            return Served(failure="it does not answer within 30 s")
        found = self.serves(domain, ahead=min(self.ahead, self.delay))
        if found.text:
            return Served(found.policy, found.text)
        if self.latest(domain).text:
            return Served(failure="its certificate is not there yet")
        return Served(absent=True)
