"""The octets of records come as they are, hostile replies are temporary failures, and time is kept."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.checks.dns_query import AAAA, MX, PTR, TXT, A, Answer, TemporaryFailure
from receiver.checks.resolver import CallMissing, NoAnswerInTime
from receiver.checks.resolver.breaker import Breaker
from receiver.checks.resolver.cache import Cache
from receiver.checks.resolver.errors import NoNameServers
from receiver.checks.resolver.replies import answer
from receiver.checks.resolver.zones import zone_of
from tests.receiver.checks.resolver.played import NODATA, NXDOMAIN, records


def read(reply: Any, kind: int = TXT) -> Answer:
    return answer(json.dumps(reply).encode(), "a.test", kind)[0]


def test_the_strings_of_a_txt_record_are_joined_octet_by_octet() -> None:
    data = b"\3\0\xff\n" + b"\0" + b"\2ab"
    assert read(records(TXT, data)).records == (b"\0\xff\nab",)


def test_addresses_and_names_come_as_values() -> None:
    four, six = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")
    assert read(records(A, four.packed), A).records == (four,)
    assert read(records(AAAA, six.packed), AAAA).records == (six,)
    assert read(records(PTR, b"\4Mail\7EXAMPLE\0"), PTR).records == ("mail.example",)


def test_mx_records_are_in_the_order_of_their_preference() -> None:
    reply = records(MX, b"\0\x14\1b\0", b"\0\x0a\1c\0", b"\1\0\1a\0")
    assert read(reply, MX).records == ("c", "b", "a")


def test_what_could_be_misread_in_a_name_is_escaped() -> None:
    assert read(records(PTR, b"\x06a.b\r\n \1c\0"), PTR).records == ("a\\046b\\013\\010\\032.c",)


def test_records_of_another_type_do_not_count() -> None:
    alias, found = records(5, b"\1b\0", ttl=7), records(TXT, b"\1x", ttl=90)
    both = {"parameters": {"rrs": alias["parameters"]["rrs"] + found["parameters"]["rrs"], "flags": 1}}
    assert answer(json.dumps(both).encode(), "a.test", TXT) == (Answer((b"x",)), 90.0)


def test_the_shortest_ttl_counts_and_a_negative_one_is_none() -> None:
    short, long = records(TXT, b"\1x", ttl=9), records(TXT, b"\1y", ttl=90)
    both = {"parameters": {"rrs": short["parameters"]["rrs"] + long["parameters"]["rrs"]}}
    assert answer(json.dumps(both).encode(), "a.test", TXT)[1] == 9.0
    assert answer(json.dumps(records(TXT, b"\1x", ttl=1 << 31)).encode(), "a.test", TXT)[1] == 0.0


def test_dnssec_is_told() -> None:
    assert read(records(TXT, b"\1x", flags=1 | 1 << 9)).authentic
    assert not read(records(TXT, b"\1x")).authentic


@pytest.mark.parametrize(
    ("reply", "known"),
    [
        (NODATA, Answer()),
        (NXDOMAIN, Answer(exists=False)),
        (
            {"error": "org.varlink.service.InvalidParameter", "parameters": {"parameter": "name"}},
            Answer(exists=False),
        ),
    ],
)
def test_only_an_answer_of_dns_says_that_there_is_nothing(reply: Any, known: Answer) -> None:
    assert read(reply) == known


@pytest.mark.parametrize("rcode", [None, 0, 1, 2, 4, 5, 16, "3"])
def test_every_other_code_of_dns_is_a_temporary_failure(rcode: object) -> None:
    with pytest.raises(TemporaryFailure):
        read({"error": "io.systemd.Resolve.DNSError", "parameters": {"rcode": rcode}})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("io.systemd.Resolve.QueryTimedOut", NoAnswerInTime),
        ("io.systemd.Resolve.MaxAttemptsReached", NoAnswerInTime),
        ("io.systemd.Resolve.NoNameServers", NoNameServers),
        ("io.systemd.Resolve.DNSSECValidationFailed", TemporaryFailure),
        ("io.systemd.Resolve.CNAMELoop", TemporaryFailure),
        ("io.systemd.Resolve.NetworkDown", TemporaryFailure),
        ("org.varlink.service.InvalidParameter", TemporaryFailure),
        ("org.varlink.service.MethodNotFound", CallMissing),
        ("org.varlink.service.InterfaceNotFound", CallMissing),
        ("", TemporaryFailure),
    ],
)
def test_every_other_error_is_a_temporary_failure(error: str, kind: type[TemporaryFailure]) -> None:
    for parameters in ({"parameters": {}}, {"parameters": None}, {}):
        with pytest.raises(TemporaryFailure) as raised:
            read({"error": error, **parameters})
        assert raised.type is kind


KEYS = st.sampled_from(["error", "parameters", "rrs", "raw", "rcode", "flags"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "parameters", "rrs", "raw", "rcode", "flags"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
RAW = st.binary(max_size=40)


@given(JSON | st.builds(lambda raw: records(TXT, raw), RAW), st.sampled_from([A, AAAA, MX, PTR, TXT]))
def test_no_reply_does_worse_than_a_temporary_failure(reply: Any, kind: int) -> None:
    with contextlib.suppress(TemporaryFailure):
        read(reply, kind)


@given(st.binary(max_size=60))
def test_nor_do_any_octets(reply: bytes) -> None:
    with pytest.raises(TemporaryFailure):
        answer(reply, "a.test", TXT)


@pytest.mark.parametrize(
    ("known", "ttl", "seconds"),
    [
        (Answer((b"x",)), 60.0, 60.0),
        (Answer((b"x",)), 86_400.0, 300.0),
        (Answer((b"x",)), 0.0, 5.0),
        (Answer(), 86_400.0, 30.0),
        (Answer(exists=False), 0.0, 30.0),
    ],
)
def test_an_answer_is_remembered_for_its_time(known: Answer, ttl: float, seconds: float) -> None:
    cache = Cache()
    cache.put(("a.test", TXT), known, ttl, now=1000.0)
    assert cache.get(("a.test", TXT), 1000.0 + seconds - 0.01) is known
    assert cache.get(("a.test", MX), 1000.0) is None
    assert cache.get(("a.test", TXT), 1000.0 + seconds) is None
    assert len(cache) == 0


def test_the_cache_is_bounded_and_keeps_what_is_asked_for() -> None:
    cache = Cache(most=3)
    for name in "abc":
        cache.put((name, TXT), Answer((b"x",)), 60.0, now=0.0)
    assert cache.get(("a", TXT), 1.0)
    cache.put(("d", TXT), Answer((b"x",)), 60.0, now=1.0)
    assert [name for name in "abcd" if cache.get((name, TXT), 2.0)] == ["a", "c", "d"]


def test_three_time_outs_far_apart_open_no_breaker() -> None:
    breaker = Breaker(5.0)
    for now in (0.0, 6.0, 12.0, 18.0):
        breaker.timed_out(now)
    assert breaker.patience(18.0) == 5.0
    breaker.timed_out(19.0)
    breaker.timed_out(20.0)
    assert breaker.patience(20.0) == 1.0


def test_an_answer_between_time_outs_keeps_the_breaker_shut() -> None:
    breaker = Breaker(5.0)
    for now in range(10):
        breaker.timed_out(float(now))
        if now % 2:
            breaker.answered()
    assert breaker.patience(10.0) == 5.0


def test_an_open_breaker_lets_one_question_in_ten_seconds_wait() -> None:
    breaker = Breaker(5.0)
    for _ in range(3):
        breaker.timed_out(0.0)
    patience = {now: breaker.patience(now) for now in (0.1, 9.9, 10.0, 10.1, 19.9, 20.0)}
    assert [now for now, seconds in patience.items() if seconds == 5.0] == [10.0, 20.0]
    assert min(patience.values()) == 1.0
    breaker.answered()
    assert breaker.patience(20.1) == 5.0


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("s._domainkey.example.com", "example.com"),
        ("example.com", "example.com"),
        ("com", "com"),
        ("25.2.0.192.in-addr.arpa", "0.192.in-addr.arpa"),
        (f"{'0.' * 24}8.b.d.0.1.0.0.2.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"),
    ],
)
def test_names_share_their_room_with_those_of_their_domain(name: str, zone: str) -> None:
    assert zone_of(name) == zone
