"""How many connections the other workers have open, counted in memory that all workers share.

The counts are a count-min sketch (Cormode and Muthukrishnan, 2005): a table with a fixed number of slots for
any number of keys. No lock is needed, so no worker can die with one. Each worker writes its own part of the
memory, and reads the parts of the others. Workers that accept connections at the same moment may not see each
other's. So a limit may be exceeded by as many connections as there are other workers, until these connections
end.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence

_ROWS, _BITS = 2, 14
_SLOTS = 1 << _BITS  # of each row


class Tally:
    """Counts by key (an IP address or a network) for several workers. Make it before the workers are forked.

    The sketch has two rows. A key has a slot in each row. Two keys may share a slot in one row but hardly in
    both, so the smaller of a key's two counts is taken.
    """

    def __init__(self, workers: int) -> None:
        counts = memoryview(mmap.mmap(-1, 4 * workers * _ROWS * _SLOTS)).cast("I")
        self._parts = [counts[each * _ROWS * _SLOTS :][: _ROWS * _SLOTS] for each in range(workers)]

    def of_worker(self, worker: int) -> WorkerTally:
        """The tally as one worker uses it. `worker` is its number, from 0 on."""
        others = [part for number, part in enumerate(self._parts) if number != worker]
        return WorkerTally(self._parts[worker], others)

    def forget(self, worker: int) -> None:
        """Set the counts of a worker to 0, because it has ended and all its connections with it."""
        self._parts[worker][:] = memoryview(bytes(4 * _ROWS * _SLOTS)).cast("I")


class WorkerTally:
    """One worker's view of a tally (`admission.OtherWorkers`)."""

    def __init__(self, own: memoryview, others: Sequence[memoryview]) -> None:
        self._own, self._others = own, others

    def count(self, key: str) -> int:
        """The connections that the other workers have open for this key."""
        return min(sum(part[slot] for part in self._others) for slot in slots(key))

    def add(self, key: str, number: int) -> None:
        """Add to this worker's connections for this key. `number` may be negative."""
        for slot in slots(key):
            self._own[slot] += number


def slots(key: str) -> tuple[int, ...]:
    """The index of the key's slot in each row."""
    # All processes forked from one share the secret of Python's string hash. A stranger does not know it, so
    # he cannot find addresses that share slots with another's.
    number = hash(key)
    return tuple((row << _BITS) + (number >> row * _BITS) % _SLOTS for row in range(_ROWS))
