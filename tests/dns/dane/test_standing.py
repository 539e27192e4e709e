"""When a rekey may go on: two TTLs after the next key's record, at every nameserver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dns.cloudflare.zones import Zones
from dns.dane.standing import Answered, Standing, look, standing, why_not_yet
from dns.errors import SyncError
from dns.records import Record, ZoneRecord
from dns.world.nameservers import Server
from tests.dns.dane.keys import BOTH, FIRST, NAME, SECOND, THIRD, tlsa
from tests.dns.loopback.nameserver import Nameserver
from tests.lab.cloudflare import StandIn

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
ONE, TWO = Server("ns1", "192.0.2.1"), Server("ns2", "192.0.2.2")
RIGHT = Standing(
    NAME,
    tuple(Answered(server, frozenset({FIRST, SECOND}), 300) for server in (ONE, TWO)),
    {FIRST: NOW - timedelta(days=9), SECOND: NOW - timedelta(seconds=600)},
    300,
)


def with_second(answered: Answered) -> Standing:
    return replace(RIGHT, answers=(RIGHT.answers[0], answered))


def test_a_record_that_has_stood_for_two_ttls_may_be_used_and_not_a_second_earlier() -> None:
    assert why_not_yet([RIGHT], SECOND, NOW) == ""
    early = why_not_yet([RIGHT], SECOND, NOW - timedelta(seconds=1))
    assert early == (
        f"{NAME}: the next key stands since 2026-11-26 02:50 UTC, and a sender may keep older records for "
        "600 s: wait until 2026-11-26 03:00 UTC"
    )


def test_a_nameserver_that_does_not_answer_is_unknown_and_named() -> None:
    found = why_not_yet([with_second(Answered(TWO, None, failure="SERVFAIL"))], SECOND, NOW)
    assert found == f"{NAME}: ns2 (192.0.2.2) does not answer which keys it has (SERVFAIL)"


def test_a_nameserver_that_lacks_the_record_is_named() -> None:
    found = why_not_yet([with_second(Answered(TWO, frozenset({FIRST}), 300))], SECOND, NOW)
    assert found == f"{NAME}: the next key is not published at ns2 (192.0.2.2) yet: deploy first"


def test_a_key_that_cloudflare_does_not_have_may_not_be_used() -> None:
    assert "not published" in why_not_yet([RIGHT], THIRD, NOW)
    assert "not published by us" in why_not_yet([replace(RIGHT, since={})], SECOND, NOW)


def test_a_host_without_any_record_waits_for_nobody() -> None:
    nobody = Standing(NAME, tuple(Answered(server, frozenset()) for server in (ONE, TWO)), {}, 0)
    assert why_not_yet([nobody], SECOND, NOW) == ""
    assert why_not_yet([replace(nobody, answers=(Answered(ONE, None, failure="Timeout"),))], SECOND, NOW)


def test_an_old_name_with_the_current_key_alone_bars_the_way() -> None:
    old = replace(RIGHT, name="_25._tcp.old.example.test", since={FIRST: NOW - timedelta(days=9)})
    old = replace(old, answers=tuple(replace(one, digests=frozenset({FIRST})) for one in old.answers))
    assert why_not_yet([RIGHT, old], SECOND, NOW).startswith("_25._tcp.old.example.test: ")


def test_the_ttl_is_what_the_nameservers_answer_and_else_that_of_the_record() -> None:
    held = ZoneRecord("1", Record("TLSA", NAME, f"3 1 1 {FIRST}"), modified="2026-11-26T02:00:00.5Z")
    answered = [Answered(ONE, frozenset({FIRST}), 60), Answered(TWO, frozenset({FIRST}), 120)]
    assert standing(NAME, [held], answered).ttl == 120
    assert standing(NAME, [held], []).ttl == 300
    assert standing(NAME, [held], []).since == {FIRST: datetime(2026, 11, 26, 2, 0, 0, 500000, UTC)}


def test_a_record_without_a_time_is_an_error() -> None:
    with pytest.raises(SyncError, match="does not say since when it stands"):
        standing(NAME, [ZoneRecord("1", Record("TLSA", NAME, f"3 1 1 {FIRST}"))], [])


class TestLook:
    @pytest.fixture
    def server(self, cloudflare: StandIn, zones_dir: Path, patient: None) -> Iterator[Nameserver]:
        with Nameserver(zones_dir, {}) as server:
            yield server

    def look(self, server: Nameserver) -> tuple[Standing, ...]:
        at = [Server("ns1", server.address)]
        return look("mx1.example.test", BOTH.current, zones=Zones(), servers=at, port=server.port)

    def test_cloudflare_and_the_nameservers_are_asked_for_each_name_that_has_the_key(
        self, cloudflare: StandIn, server: Nameserver
    ) -> None:
        cloudflare.seed("example.test", tlsa(FIRST), tlsa(SECOND))
        cloudflare.seed("example.test", tlsa(FIRST, "_25._tcp.old"), tlsa(THIRD, "_25._tcp.other"))
        new, old = self.look(server)
        assert (new.name, old.name) == (NAME, "_25._tcp.old.example.test")
        assert new.answers[0].digests == set(new.since) == {FIRST, SECOND}
        assert (new.ttl, old.ttl) == (300, 300)

    def test_a_host_without_records_is_empty(self, cloudflare: StandIn, server: Nameserver) -> None:
        (found,) = self.look(server)
        assert found.is_empty

    def test_a_host_in_a_zone_of_somebody_else_is_looked_at_there(
        self, cloudflare: StandIn, server: Nameserver
    ) -> None:
        server.zones["away.test"] = f"@ 60 SOA a b 1 60 60 60 60\n_25._tcp.mx 60 TLSA 3 1 1 {FIRST}\n"
        at = [Server("ns1", server.address)]
        (found,) = look("mx.away.test", FIRST, zones=Zones(), servers=at, port=server.port)
        assert (found.since, found.answers[0].digests) == ({}, {FIRST})
        assert "not published" in why_not_yet([found], SECOND, NOW)
        assert why_not_yet(look("no.away.test", FIRST, servers=at, port=server.port), SECOND, NOW) == ""

    def test_an_answer_that_does_not_count_is_none(self, cloudflare: StandIn, server: Nameserver) -> None:
        server.faults["*", "*"] = "REFUSED"
        (found,) = self.look(server)
        assert (found.answers[0].digests, found.answers[0].failure) == (None, "REFUSED")
        assert not found.is_empty
