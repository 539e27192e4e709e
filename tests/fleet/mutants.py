"""Bucket processes that must be caught: each breaks one promise, and is otherwise the real one.

`python -m tests.fleet.mutants NAME …` runs the program `services.bucket` with that fault.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable

from services.bucket.command import main
from services.bucket.storing import Kept, Storing

from receiver import maildir
from receiver.bucket.keys import Below
from receiver.bucket.protocol import Put


def early() -> None:
    """It answers before the store has the message."""
    real = Storing.store
    under_way = set()

    async def store(self: Storing, put: Put, content: bytes, below: Below, late: float) -> list[Kept]:
        putting = asyncio.ensure_future(real(self, put, content, below, late))
        under_way.add(putting)
        putting.add_done_callback(_ended)
        putting.add_done_callback(under_way.discard)
        return [Kept(below.tail(each.fields, put.name), False) for each in put.copies]

    Storing.store = store  # type: ignore[method-assign, assignment]


def unique() -> None:
    """Its key is another one in each attempt, as that of a message without Message-ID is."""

    def tail(self: Below, fields: bytes, name: str) -> str:
        return maildir.identity(name) or "N" + hashlib.sha256(name.encode()).hexdigest()[:40]

    Below.tail = tail  # type: ignore[method-assign]


def _ended(putting: asyncio.Future[list[Kept]]) -> None:
    """Look at how it ended, so that the event loop does not complain that nobody did."""
    if not putting.cancelled():
        putting.exception()


MUTANTS: dict[str, Callable[[], None]] = {"early": early, "unique": unique}
CAUGHT_BY = {"early": "lost", "unique": "twice"}
"""What the judge must find."""


def program(name: str) -> tuple[str, ...]:
    """The arguments of Python that run that one."""
    return ("-m", "tests.fleet.mutants", name)


if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
