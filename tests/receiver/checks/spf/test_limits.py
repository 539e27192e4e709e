"""No record makes a check ask or take more than is written down, and any check can be cancelled."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from itertools import combinations

import pytest

from receiver.checks.dns_query import PTR, Answer
from receiver.checks.spf import check_host
from tests.receiver.checks.spf.checking import MOST_QUESTIONS, PEER, check, check_in, result
from tests.receiver.checks.zone import Entry, Zone

BACK = "1.2.0.192.in-addr.arpa"
HOST: list[Entry] = ["A 192.0.2.99"]


def worst() -> dict[str, list[Entry]]:
    """A policy that asks as much as any can: ten `mx` of ten hosts, and an explanation with `p`."""
    table: dict[str, list[Entry]] = {
        "example.test": [
            "TXT v=spf1 " + " ".join(f"mx:m{n}.test" for n in range(10)) + " -all exp=%{p}.why.test"
        ],
        BACK: [f"PTR back{n}.test" for n in range(20)],
    }
    for n in range(10):
        table[f"m{n}.test"] = [f"MX {k} h{k}.m{n}.test" for k in range(10)]
        table |= {f"h{k}.m{n}.test": HOST for k in range(10)}
    return table


def test_a_check_asks_at_most_123_questions() -> None:
    zone = Zone(worst())
    assert check_in(zone, "a@example.test", explain=True).result == "fail"
    assert len(zone.asked) == MOST_QUESTIONS == 123


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 " + "mx:wide.test " * 5_000 + "-all",
        "v=spf1 " + "mx:%{p}.wide.test " * 3_000 + "-all exp=%{p}.test",
        "v=spf1 " + "include:example.test " * 3_000,
        "v=spf1 include:example.test mx:wide.test ptr redirect=example.test",
        "v=spf1 ptr mx:wide.test include:a.example.test " * 20 + "exists:%{p}.test",
        "v=spf1 redirect=%{d}",
        "v=spf1 include:x.%{d} mx:wide.test",
    ],
)
def test_hostile_policies_end_after_ten_terms(record: str) -> None:
    table: dict[str, list[Entry]] = {
        "example.test": [f"TXT {record}"],
        "*.example.test": [f"TXT {record}", "A 192.0.2.99"],
        "wide.test": [f"MX {k} h{k}.wide.test" for k in range(10)],
        "*.wide.test": ["A 192.0.2.99", *(f"MX {k} h{k}.wide.test" for k in range(10))],
        BACK: [f"PTR back{n}.test" for n in range(50)],
        **{f"back{n}.test": [f"A {PEER}"] for n in range(50)},
    }
    zone = Zone(table)
    assert check_in(zone, "a@example.test", explain=True).result == "permerror"
    assert len(zone.asked) <= MOST_QUESTIONS


def test_the_eleventh_term_that_asks_is_too_many() -> None:
    beside: dict[str, list[Entry]] = {"h.test": HOST}
    assert result("v=spf1 " + "a:h.test " * 10 + "ip4:0.0.0.0/0", beside) == "pass"
    assert result("v=spf1 " + "a:h.test " * 11 + "ip4:0.0.0.0/0", beside) == "permerror"
    assert result("v=spf1 " + "a:h.test " * 10 + "redirect=h.test", beside) == "permerror"
    assert result("v=spf1 ip4:0.0.0.0/0 " + "a:h.test " * 11, beside) == "pass"


def test_the_names_of_the_peer_count_as_a_term_where_p_asks_for_them() -> None:
    beside: dict[str, list[Entry]] = {"h.test": HOST, BACK: ["PTR h.test"], "unknown.test": ["A 127.0.0.2"]}
    assert result("v=spf1 " + "a:h.test " * 8 + "exists:%{p}.test -all", beside) == "pass"
    assert result("v=spf1 " + "a:h.test " * 9 + "exists:%{p}.test -all", beside) == "permerror"
    assert result("v=spf1 ptr " + "a:h.test " * 8 + "exists:%{p}.test -all", beside) == "pass"


@pytest.mark.parametrize("term", ["a:n{}.test", "mx:n{}.test", "exists:n{}.test", "a:text.test//{}"])
def test_the_third_lookup_without_a_record_is_too_many(term: str) -> None:
    beside: dict[str, list[Entry]] = {"text.test": ["TXT x"]}
    two, three = (" ".join(term.format(n) for n in range(1, most)) for most in (3, 4))
    assert result(f"v=spf1 {two} all", beside) == "pass"
    assert result(f"v=spf1 {three} all", beside) == "permerror"


def test_hosts_without_an_address_do_not_count_as_lookups_without_a_record() -> None:
    beside: dict[str, list[Entry]] = {"m.test": [f"MX {n} h{n}.test" for n in range(10)], BACK: []}
    assert result("v=spf1 mx:m.test ptr ptr ptr all", beside) == "pass"


def test_the_eleventh_mx_host_is_too_many_and_the_eleventh_name_is_not_looked_at() -> None:
    hosts: list[Entry] = [f"MX {n} h{n}.test" for n in range(11)]
    assert result("v=spf1 mx:m.test all", {"m.test": hosts[:10]}) == "pass"
    assert result("v=spf1 mx:m.test all", {"m.test": hosts}) == "permerror"
    back: dict[str, list[Entry]] = {f"h{n}.test": [f"A {PEER}"] for n in range(11)}
    assert result("v=spf1 ptr:h9.test -all", {**back, BACK: [f"PTR h{n}.test" for n in range(11)]}) == "pass"
    assert result("v=spf1 ptr:h10.test -all", {**back, BACK: [f"PTR h{n}.test" for n in range(11)]}) == "fail"


def test_there_is_no_limit_on_the_addresses_of_a_name() -> None:
    addresses: list[Entry] = [f"A 10.0.{n // 250}.{n % 250}" for n in range(2_000)]
    assert result("v=spf1 a:many.test -all", {"many.test": [*addresses, f"A {PEER}"]}) == "pass"


def test_the_names_of_the_peer_are_asked_for_once() -> None:
    zone = Zone(
        {"example.test": ["TXT v=spf1 ptr:a.test ptr:b.test exists:%{p}.c.test ?all"], BACK: ["PTR h.test"]}
    )
    assert check_in(zone, "a@example.test").result == "neutral"
    assert [kind for _, kind in zone.asked].count(PTR) == 1


def test_all_policies_of_a_check_together_have_at_most_64_kibibytes() -> None:
    long = "ip4:10.0.0.0/8 " * 2_000
    table: dict[str, list[Entry]] = {
        "example.test": [f"TXT v=spf1 {long}include:b.test all"],
        "b.test": [f"TXT v=spf1 {long}"],
    }
    assert check(table).result == "pass"
    table["b.test"] = [f"TXT v=spf1 {long}{long}"]
    assert check(table).result == "permerror"


_SOME_DELIMITERS = ["".join(each) for size in range(7) for each in combinations("-+,/_=", size)]


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 exists:" + "%{h1r}" * 10_000 + ".x.test -all",
        "v=spf1 exists:" + "%{S99r.-+,/_=}" * 4_000 + " -all",
        "v=spf1 exists:%{d" + "9" * 60_000 + "}.x.test -all",
        "v=spf1 exists:" + "".join(f"%{{{h}1r.{each}}}" for h in "hH" for each in _SOME_DELIMITERS) + " -all",
        "v=spf1 exists:" + "a" * 60_000 + ".test -all",
        "v=spf1 exists:" + "a." * 30_000 + "test -all",
    ],
)
def test_hostile_macros_take_little_time(record: str) -> None:
    table: dict[str, list[Entry]] = {"example.test": [f"TXT {record}"]}
    started = time.process_time()
    spf = check(table, "." * 300 + "@example.test", helo="." * 1_000_000)
    assert time.process_time() - started < 0.5
    assert spf.result == "fail"


class _Stopping:
    """Answers as a zone does, up to the question of this number, which it never answers."""

    def __init__(self, zone: Zone, number: int) -> None:
        self.zone, self.number = zone, number
        self.reached = asyncio.Event()

    async def query(self, name: str, kind: int) -> Answer:
        if len(self.zone.asked) == self.number:
            self.reached.set()
            await asyncio.Event().wait()
        return await self.zone.query(name, kind)


def test_a_check_can_be_cancelled_at_each_of_its_questions() -> None:
    async def cancelled_at(number: int) -> bool:
        resolver = _Stopping(Zone(worst()), number)
        peer = ipaddress.ip_address(PEER)
        work = asyncio.create_task(
            check_host(resolver, peer, "example.test", "a@example.test", "h.test", explain=True)
        )
        await resolver.reached.wait()
        work.cancel()
        await asyncio.wait({work}, timeout=5)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        return work.cancelled() and not others

    wrong = [number for number in range(MOST_QUESTIONS) if not asyncio.run(cancelled_at(number))]
    assert not wrong
