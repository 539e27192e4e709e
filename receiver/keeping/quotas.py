"""Which mailboxes are full, in memory that all workers share.

A mailbox holds what was counted (`usage`), what was stored since that count began, and the complete messages
that are being stored now. A message that is still coming in does not count: a sender who never ends it would
keep all others out. So it is asked again at its end whether the mailbox has become full meanwhile.

Each worker writes its own part of the memory, so no lock is needed. A mailbox that was not counted yet, or
that cannot be read, is not known to be full, and takes mail.

A message that is stored while its mailbox is counted may count twice, until the next count. Messages that are
complete at the same moment may together exceed a quota, by one for each worker.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping

from receiver.mailbox import Mailbox

_UNKNOWN = -(2**63)
_OCTET_COUNT = 8  # of a number in the memory


class Quotas:
    """The quotas of all mailboxes that have one. Make it before the workers are forked."""

    def __init__(self, quota: Mapping[Mailbox, int], workers: int) -> None:
        size = len(quota)
        memory = memoryview(mmap.mmap(-1, _OCTET_COUNT * size * (1 + 2 * workers))).cast("q")
        parts = [memory[at * size :][:size] for at in range(1 + 2 * workers)]
        self.limits = dict(quota)
        self.places = {mailbox: place for place, mailbox in enumerate(quota)}
        # What was counted, less what the workers had stored before the count began: one number, so that
        # nobody reads the one without the other.
        self.counted = parts[0]
        self.stored = parts[1 : 1 + workers]  # since the start, by worker
        self.arriving = parts[1 + workers :]
        self.counted[:] = memoryview(_UNKNOWN.to_bytes(_OCTET_COUNT, "little", signed=True) * size).cast("q")

    def of_worker(self, worker: int) -> WorkerQuotas:
        """The quotas as one worker uses them. `worker` is its number, from 0 on."""
        return WorkerQuotas(self, worker)

    def stored_so_far(self, mailbox: Mailbox) -> int:
        """The octets that the workers have stored since the start. Ask before a count begins."""
        return sum(part[self.places[mailbox]] for part in self.stored)

    def set_counted(self, mailbox: Mailbox, octets: int, stored_before: int) -> None:
        """Take over a count. `stored_before` is what `stored_so_far` said before it."""
        self.counted[self.places[mailbox]] = octets - stored_before

    def set_unknown(self, mailbox: Mailbox) -> None:
        """The mailbox could not be counted."""
        self.counted[self.places[mailbox]] = _UNKNOWN

    def used(self, mailbox: Mailbox) -> int | None:
        """The octets that the mailbox holds or is about to. None if that is not known."""
        place = self.places[mailbox]
        counted = self.counted[place]
        if counted == _UNKNOWN:
            return None
        return counted + sum(part[place] for part in (*self.stored, *self.arriving))


class WorkerQuotas:
    """One worker's view of the quotas. What it had arriving before is forgotten: its predecessor has died."""

    def __init__(self, quotas: Quotas, worker: int) -> None:
        self.quotas = quotas
        self.is_first = worker == 0
        self._stored, self._arriving = quotas.stored[worker], quotas.arriving[worker]
        self._arriving[:] = memoryview(bytes(_OCTET_COUNT * len(quotas.places))).cast("q")

    def is_full(self, mailbox: Mailbox, size: int) -> bool:
        """Whether the mailbox has no room for a message. `size` is what its sender declares, or 0."""
        limit = self.quotas.limits.get(mailbox)
        if limit is None:
            return False
        used = self.quotas.used(mailbox)
        return used is not None and (used >= limit or used + size > limit)

    def arrival(self, mailboxes: Iterable[Mailbox]) -> Arrival | None:
        """A message to these mailboxes. None if none of them has a quota."""
        limited = [each for each in mailboxes if each in self.quotas.places]
        return Arrival(self, limited, self._stored, self._arriving) if limited else None


class Arrival:
    """A message. Call `complete` when it is, `stored` if it was stored, and `end` in any case."""

    __slots__ = ("_arriving", "_mailboxes", "_octets", "_places", "_quotas", "_stored")

    def __init__(
        self, quotas: WorkerQuotas, mailboxes: list[Mailbox], stored: memoryview, arriving: memoryview
    ) -> None:
        self._quotas, self._mailboxes = quotas, mailboxes
        self._places = [quotas.quotas.places[each] for each in mailboxes]
        self._stored, self._arriving = stored, arriving
        self._octets = 0

    def complete(self, octets: int) -> bool:
        """Count the message, which has so many octets. False, and no count, if a mailbox is full by now."""
        if any(self._quotas.is_full(each, 0) for each in self._mailboxes):
            return False
        self._octets = octets
        for place in self._places:
            self._arriving[place] += octets
        return True

    def stored(self) -> None:
        for place in self._places:
            self._stored[place] += self._octets
        self.end()

    def end(self) -> None:
        for place in self._places:
            self._arriving[place] -= self._octets
        self._octets = 0
