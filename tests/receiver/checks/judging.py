"""Running all checks of one message against a table of DNS records."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

from receiver.checks.check import Checks, MessageCheck
from receiver.checks.verdict import Verdict
from receiver.loop.event_loop import new_loop
from tests.receiver.checks.dkim.messages import record, rsa, signed

PEER, HOST = "192.0.2.1", "mx.example.test"
TABLE: dict[str, list[Any]] = {
    "example.com": ["TXT v=spf1 include:spf.example.com -all"],
    "spf.example.com": ["TXT v=spf1 a:mail.example.com -all"],
    "mail.example.com": ["A 192.0.2.1", "TXT v=spf1 a -all"],
    "1.2.0.192.in-addr.arpa": ["PTR mail.example.com"],
    "sel._domainkey.example.com": [("TXT", record(rsa()))],
    "_dmarc.example.com": ["TXT v=DMARC1; p=reject"],
}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


class _Clock(selectors.DefaultSelector):
    """Where the loop would wait for its next timer, the time leaps to it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout and 0)
        if timeout and not events:
            self.now += timeout
        return events


class LeapingLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own, which no work takes time of. So no busy machine makes a timer early."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def leap(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work)


def feed(check: MessageCheck, message: bytes = b"", piece: int = 7) -> bytes:
    """Give a whole message to the check. Returns its header section as it is stored."""
    head, _, body = (message or signed()).partition(b"\r\n\r\n")
    stored = check.head(head + b"\r\n")
    for at in range(0, len(body), piece):
        check.update(body[at : at + piece])
    return stored


async def verdict(
    checks: Checks, message: bytes = b"", sender: str = "a@example.com", **more: str
) -> Verdict:
    check = checks.connection(more.get("peer", PEER)).message(more.get("helo", "mail.example.com"), sender)
    feed(check, message)
    found = await check.verdict()
    await asyncio.sleep(0)  # what was cancelled ends
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
    return found


def judged(zone: Any, message: bytes = b"", **more: Any) -> Verdict:
    settings = {name: more.pop(name) for name in ("deadline", "parts", "names") if name in more}
    return run(verdict(Checks(zone, HOST, **settings), message, **more))  # type: ignore[no-any-return]


def results(found: Verdict) -> list[str]:
    return [
        *(each.result for each in found.dkim),
        found.spf.result,
        found.dmarc.result,
        found.reverse.result if found.reverse else "",
    ]
