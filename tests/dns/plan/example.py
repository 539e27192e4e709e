"""The domain e.test: the records that it wants, and records of its zone."""

from __future__ import annotations

from dataclasses import replace

from dns.plan import Plan, Replacing, plan
from dns.records import Record, ZoneRecord, mark_of

MARK = mark_of("e.test")


MX = Record("MX", "e.test", "mx.e.test", 10, comment=MARK)


A = Record("A", "mx.e.test", "1.1.1.1", comment=MARK)


WANTED = (MX, A)


def there(*records: Record, locked: bool = False) -> list[ZoneRecord]:
    """These records as records of a zone."""
    return [ZoneRecord(str(number), record, locked) for number, record in enumerate(records)]


def foreign(record: Record, **changed: object) -> Record:
    """The record as if somebody else had made it."""
    return replace(record, comment=None, **changed)  # type: ignore[arg-type]


def planned(*actual: Record, replacing: Replacing = Replacing(), zone: str = "e.test") -> Plan:  # noqa: B008
    return plan("e.test", zone, WANTED, there(*actual), replacing)
