"""A resolver that answers from a table, as a real one answers from the DNS."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from receiver.checks.dns_query import AAAA, MX, PTR, TXT, A, Answer, TemporaryFailure, is_askable

CNAME = 5
_TYPES = {"A": A, "CNAME": CNAME, "PTR": PTR, "MX": MX, "TXT": TXT, "AAAA": AAAA}
_LONGEST_CHAIN = 8  # CNAMEs that are followed

Entry = str | tuple[str, str | bytes | Iterable[str | bytes]]


@dataclass(slots=True)
class _Name:
    """What one name of the table has."""

    records: dict[int, list[object]]
    fails: set[int]  # the types whose lookup fails
    is_silent: bool = False  # no lookup of other types than those with records ever ends
    times_out: bool = False  # each lookup of other types than those with records fails


class Zone:
    """A `Resolver` over a table from names to their entries. The rest of the DNS does not exist.

        zone = Zone({
            "example.test": ["TXT v=spf1 mx -all", "MX 10 mx.example.test", "A 192.0.2.1"],
            "long.example.test": [("TXT", ["v=spf1 ", b"exists:\xff", " -all"])],
            "www.example.test": ["CNAME example.test"],
            "*.wild.example.test": ["AAAA 2001:db8::1"],
            "1.2.0.192.in-addr.arpa": ["PTR mx.example.test"],
            "dead.example.test": ["TIMEOUT"],
            "half.example.test": ["A 192.0.2.1", "TXT TIMEOUT"],
            "mute.example.test": ["SILENCE"],
        })
        answer = await zone.query("example.test", TXT)

    An entry is the type and the value in one string, or as a pair. The value of a pair may be octets, or the
    several strings of one TXT record, which are joined. `TIMEOUT` alone lets all lookups of the name fail at
    once, except those of types that the name has. `TXT TIMEOUT` lets one type fail. `SILENCE` is as TIMEOUT,
    but the lookup never ends, so that it must be cancelled.

    Names are compared without case. A name exists if a longer one does (an empty non-terminal, RFC 8020).
    A name that does not exist has the records of the wildcard above it (RFC 4592). CNAMEs are followed, and
    a loop of them fails. A name that is too long to be asked does not exist.

    `delay` is the seconds that each answer takes. With 0 nothing waits. `asked` has each question that was
    asked, in order.
    """

    def __init__(self, table: Mapping[str, Iterable[Entry]], *, delay: float = 0.0) -> None:
        self.asked: list[tuple[str, int]] = []
        self._delay = delay
        self._names = {_normal(name): _parse_entries(entries) for name, entries in table.items()}
        self._existing = {above for name in self._names for above in _with_all_above(name)}

    async def query(self, name: str, kind: int) -> Answer:
        """Raises TemporaryFailure."""
        self.asked.append((name, kind))
        if self._delay:
            await asyncio.sleep(self._delay)
        for _ in range(_LONGEST_CHAIN):
            if not is_askable(name):
                return Answer(exists=False)
            found = self._find(_normal(name))
            if found is None:
                return Answer(exists=False)
            if kind in found.fails:
                raise TemporaryFailure(f"time-out for {name}")
            if kind in found.records:
                return Answer(tuple(_in_order(kind, found.records[kind])))
            if CNAME in found.records:
                name = str(found.records[CNAME][0])
                continue
            if found.is_silent:
                await asyncio.Event().wait()
            if found.times_out:
                raise TemporaryFailure(f"time-out for {name}")
            return Answer()
        raise TemporaryFailure(f"a chain of CNAMEs that is too long, at {name}")

    def _find(self, name: str) -> _Name | None:
        if name in self._names:
            return self._names[name]
        if name in self._existing:
            return _Name({}, set())
        encloser = next((above for above in _with_all_above(name) if above in self._existing), "")
        return self._names.get(f"*.{encloser}")


def _normal(name: str) -> str:
    return name.lower().removesuffix(".")


def _with_all_above(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition(".")[2]


def _parse_entries(entries: Iterable[Entry]) -> _Name:
    found = _Name({}, set())
    for entry in entries:
        if entry == "SILENCE":
            found.is_silent = True
            continue
        if entry == "TIMEOUT":
            found.times_out = True
            continue
        kind, value = entry.split(" ", 1) if isinstance(entry, str) else entry
        if value == "TIMEOUT":
            found.fails.add(_TYPES[kind])
        else:
            found.records.setdefault(_TYPES[kind], []).append(_parse_value(_TYPES[kind], value))
    return found


def _parse_value(kind: int, value: str | bytes | Iterable[str | bytes]) -> object:
    if kind == TXT:
        parts = [value] if isinstance(value, str | bytes) else value
        return b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    assert isinstance(value, str), f"the value of a record of type {kind} is text: {value!r}"
    if kind in (A, AAAA):
        return ipaddress.ip_address(value)
    if kind == MX:
        preference, name = value.split(" ")
        return int(preference), _normal(name)
    return _normal(value)


def _in_order(kind: int, records: list[object]) -> Iterator[object]:
    if kind != MX:
        return iter(records)
    return (name for _, name in sorted(cast(list[tuple[int, str]], records)))
