"""What example domain e.test wants, and a zone's records."""

from dataclasses import replace

from dns.plan import Plan, Replacing, plan
from dns.records import Record, ZoneRecord, mark_of

MARK = mark_of("e.test")


MX = Record("MX", "e.test", "mx.e.test", 10, comment=MARK)


A = Record("A", "mx.e.test", "1.1.1.1", comment=MARK)


WANTED = (MX, A)


def there(*records: Record, locked: bool = False) -> list[ZoneRecord]:
    """These records as a zone's."""
    return [ZoneRecord(str(number), record, locked) for number, record in enumerate(records)]


def foreign(record: Record, **changed: object) -> Record:
    """The record, as somebody else made it."""
    return replace(record, comment=None, **changed)  # type: ignore[arg-type]


def planned(*actual: Record, replacing: Replacing = Replacing(), zone: str = "e.test") -> Plan:  # noqa: B008
    return plan("e.test", zone, WANTED, there(*actual), replacing)
