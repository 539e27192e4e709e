"""Services that are wrong, to see that a test finds them out: `python -m tests.bucket.mutants`.

MUTANT in the environment says which: `early` answers before its PUT, and `unique` gives each try a key of its
own. Give `tests.bucket.mutants` to `tests.bucket.service.service` as its module.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from typing import Any

from receiver.bucket.keys import Below
from receiver.bucket.protocol import Put
from services.bucket.command import main
from services.bucket.storing import Kept, Storing

_under_way: set[asyncio.Task[Any]] = set()


class AnswersEarly(Storing):
    """Says that a message is stored before the store has it."""

    async def store(self, put: Put, content: bytes | bytearray, below: Below, late: float) -> list[Kept]:
        task = asyncio.create_task(super().store(put, content, below, late))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        return [Kept(below.tail(each.fields, put.name), False) for each in put.copies]


class UniqueKeys(Storing):
    """Stores each try under a key of its own."""

    async def store(self, put: Put, content: bytes | bytearray, below: Below, late: float) -> list[Kept]:
        return await super().store(put, content, _Unique(), late)


class _Unique(Below):
    def tail(self, fields: bytes, name: str) -> str:
        return "H" + secrets.token_hex(20)


MUTANTS = {"early": AnswersEarly, "unique": UniqueKeys}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], MUTANTS[os.environ["MUTANT"]]))
