"""How many connections the other workers have open, in memory that all of them share.

Nothing here locks, so there is no lock to die with: each worker writes its own part, and reads the others'.
Two that let somebody in at the same moment may not see each other: a limit can be passed by as many
connections as there are other workers, for as long as these last.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence

_ROWS, _BITS = 2, 14
_SLOTS = 1 << _BITS


class Tally:
    """Open connections by key (an address, a network). To be made before the workers are forked.

    A key has a slot in each of two rows; two keys that meet in one hardly meet in both, so the smaller
    number counts.
    """

    def __init__(self, workers: int) -> None:
        counts = memoryview(mmap.mmap(-1, 4 * workers * _ROWS * _SLOTS)).cast("I")
        self._parts = [counts[each * _ROWS * _SLOTS :][: _ROWS * _SLOTS] for each in range(workers)]

    def of(self, worker: int) -> Part:
        return Part(self._parts[worker], [each for at, each in enumerate(self._parts) if at != worker])

    def forget(self, worker: int) -> None:
        """It died, and all its connections with it."""
        self._parts[worker][:] = memoryview(bytes(4 * _ROWS * _SLOTS)).cast("I")


class Part:
    """One worker's view of a tally (`admission.OtherWorkers`)."""

    def __init__(self, mine: memoryview, others: Sequence[memoryview]) -> None:
        self._mine, self._others = mine, others

    def count(self, key: str) -> int:
        return min(sum(part[slot] for part in self._others) for slot in slots(key))

    def add(self, key: str, number: int) -> None:
        for slot in slots(key):
            self._mine[slot] += number


def slots(key: str) -> tuple[int, ...]:
    """A key's place in each row.

    By Python's own hash of strings: its secret, which a stranger would need to find addresses that count
    for somebody else's, is the same in all processes forked from one.
    """
    number = hash(key)
    return tuple((row << _BITS) + (number >> row * _BITS) % _SLOTS for row in range(_ROWS))
