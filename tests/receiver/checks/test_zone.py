"""The tests' resolver answers as a real one does. The other tests of the checks rest on it."""

from __future__ import annotations

import asyncio
import ipaddress
import time

import pytest

from receiver.checks.dns_query import AAAA, MX, PTR, TXT, A, Answer, TemporaryFailure
from tests.receiver.checks.zone import Entry, Zone

ZONE: dict[str, list[Entry]] = {
    "Example.test": ["TXT one", ("TXT", ["t", b"\xffo"]), "MX 20 b.example.test", "MX 10 A.example.test."],
    "a.b.example.test": ["A 192.0.2.1"],
    "alias.test": ["CNAME other.test"],
    "other.test": ["CNAME a.b.example.test"],
    "broken.test": ["CNAME nowhere.test"],
    "loop.test": ["CNAME loop.test"],
    "*.wild.test": ["AAAA 2001:db8::1"],
    "there.wild.test": ["TXT x"],
    "1.2.0.192.in-addr.arpa": ["PTR Mx.Example.test."],
    "dead.test": ["TIMEOUT"],
    "half.test": ["A 192.0.2.1", "TXT TIMEOUT"],
    "rest.test": ["A 192.0.2.1", "TIMEOUT"],
    "mute.test": ["SILENCE"],
    "null.test": ["MX 0 ."],
}
ONE = ipaddress.ip_address("192.0.2.1")


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        ("example.TEST", TXT, Answer((b"one", b"t\xffo"))),
        ("example.test", MX, Answer(("a.example.test", "b.example.test"))),
        ("example.test", A, Answer()),
        ("b.example.test", A, Answer()),
        ("x.example.test", A, Answer(exists=False)),
        ("alias.test", A, Answer((ONE,))),
        ("alias.test", TXT, Answer()),
        ("broken.test", A, Answer(exists=False)),
        ("x.y.wild.test", AAAA, Answer((ipaddress.ip_address("2001:db8::1"),))),
        ("x.y.wild.test", A, Answer()),
        ("there.wild.test", AAAA, Answer()),
        ("x.there.wild.test", AAAA, Answer(exists=False)),
        ("1.2.0.192.in-addr.arpa", PTR, Answer(("mx.example.test",))),
        ("half.test", A, Answer((ONE,))),
        ("rest.test", A, Answer((ONE,))),
        ("null.test", MX, Answer(("",))),
        ("a..test", A, Answer(exists=False)),
    ],
)
def test_it_answers(name: str, kind: int, answer: Answer) -> None:
    assert asyncio.run(Zone(ZONE).query(name, kind)) == answer


@pytest.mark.parametrize(
    ("name", "kind"), [("dead.test", A), ("half.test", TXT), ("rest.test", TXT), ("loop.test", A)]
)
def test_it_fails(name: str, kind: int) -> None:
    with pytest.raises(TemporaryFailure):
        asyncio.run(Zone(ZONE).query(name, kind))


def test_silence_ends_when_it_is_cancelled() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(Zone(ZONE).query("mute.test", A), 0.01))


def test_an_answer_takes_as_long_as_it_is_told_to() -> None:
    start = time.monotonic()
    asyncio.run(Zone(ZONE, delay=0.05).query("half.test", A))
    assert time.monotonic() - start >= 0.05


def test_it_keeps_the_questions() -> None:
    zone = Zone(ZONE)
    asyncio.run(zone.query("half.test", A))
    asyncio.run(zone.query("nowhere.test", TXT))
    assert zone.asked == [("half.test", A), ("nowhere.test", TXT)]
