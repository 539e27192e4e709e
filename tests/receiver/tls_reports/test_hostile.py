"""Reports that are made to hurt: nothing raises, and no text is more than text."""

from __future__ import annotations

import gc
import gzip
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.tls_reports import report, values
from receiver.tls_reports.values import NotReadable
from tests.receiver.fuzz import tls_reports as fuzz
from tests.receiver.tls_reports.making import failure, mail
from tests.receiver.tls_reports.making import report as made

KEYS = st.sampled_from(
    [
        "organization-name", "date-range", "start-datetime", "end-datetime", "contact-info", "report-id",
        "policies", "policy", "policy-type", "policy-string", "policy-domain", "mx-host", "summary",
        "total-successful-session-count", "total-failure-session-count", "failure-details", "result-type",
        "sending-mta-ip", "receiving-mx-hostname", "receiving-ip", "failed-session-count",
        "additional-information", "failure-reason-code",
    ]
)  # fmt: skip
ODD = [
    "\u202eevil\u202c",
    "\x1b[2J",
    "a\r\nb",
    "\0",
    "\ud800",
    "e" + "\u0301" * 300,
    "漢" * 300,
    "2026-11-25",
]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.sampled_from(ODD)
)
VALUES = st.recursive(
    LEAVES,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=8)),
    max_leaves=40,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=VALUES)
def test_a_report_with_any_value_in_any_place_is_read_or_refused(value: Any) -> None:
    for whole in (value, {"policies": value}, {"policies": [{"failure-details": value}, value]}):
        fuzz.check(mail(gzip.compress(json.dumps(whole).encode())))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_real_report_with_one_value_changed_is_read_or_refused(data: st.DataObject) -> None:
    whole = made(
        failed=3, failures=[failure(count=3, sending_mta_ip="192.0.2.1", receiving_ip="203.0.113.5")]
    )
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [whole]
    while waiting:
        each = waiting.pop()
        for key, value in each.items() if isinstance(each, dict) else enumerate(each):
            places.append((each, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(VALUES)
    fuzz.check(mail(gzip.compress(json.dumps(whole).encode())))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(octets=st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    fuzz.one_input(octets)
    fuzz.check(mail(octets))


def test_words_of_reports_in_any_order_are_read_or_refused() -> None:
    assert fuzz.TARGET.by_chance(1500, 60, 7) == 1500


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "it is not JSON"),
        (b"<?xml version='1.0'?><feedback/>", "it is not JSON"),
        (b"PK\x03\x04", "it is not JSON"),
        (b'{"policies": [', "it is not JSON"),
        (b"\xff\xfe\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "its JSON is nested too deeply"),
        (b'{"policies":' * 100_000, "its JSON is nested too deeply"),
        (b"[]", "it is JSON, but not a TLS report"),
        (b"7", "it is JSON, but not a TLS report"),
        (b"null", "it is JSON, but not a TLS report"),
        (b'{"feedback": {}}', "it is JSON, but not a TLS report"),
    ],
)
def test_what_is_no_report_is_refused_in_words_that_are_ours(octets: bytes, said: str) -> None:
    with pytest.raises(NotReadable, match=f"^{said}$"):
        report.parse(octets)


@pytest.mark.parametrize(
    "number", [b"NaN", b"-Infinity", b"Infinity", b"1e999", b"9" * 100_000, b"-3", b"1.5"]
)
def test_a_number_that_is_no_count_makes_a_report_incomplete(number: bytes) -> None:
    octets = json.dumps(made(succeeded="HERE")).encode().replace(b'"HERE"', number)
    found = report.parse(octets)
    assert found.policies[0].succeeded == 0
    assert not found.is_complete


@pytest.mark.parametrize(
    "value", ["\x1b[31mred\x07", "\u202eevil", "a\nb\tc", "\u2066x\u2069", "\ud800", "\x9b2J"]
)
def test_no_control_character_and_no_change_of_direction_leaves_the_parser(value: str) -> None:
    whole = made(value, organization=value, kind=value, domain=value, failed=1, failures=[
        failure(value, 1, sending_mta_ip=value, receiving_mx_hostname=value, receiving_ip=value,
                failure_reason_code=value, additional_information=value)
    ])  # fmt: skip
    found = report.parse(json.dumps(whole).encode())
    for each in fuzz.texts(found):
        assert each.isprintable() or each == "", ascii(each)
    fuzz.check_report(found)


def test_a_report_has_a_limit_of_policies_and_failures_and_says_that_it_has_more() -> None:
    whole = made(failed=5000, failures=[failure(f"reason-{n}") for n in range(5000)])
    found = report.parse(json.dumps(whole).encode())
    assert len(found.policies[0].failures) == 1000
    assert found.policies[0].failed == 5000
    assert not found.is_complete
    whole = made()
    whole["policies"] *= 1000
    found = report.parse(json.dumps(whole).encode())
    assert len(found.policies) == 500
    assert not found.is_complete


@pytest.mark.parametrize(
    "piece",
    [
        b"[],", b"{},", b"1,", b'"",', b"1e5,", b"-1,", b"null,", b"NaN,", b'"\\ud800",', b'{"policy":{}},',
        b'{"failure-details":[{}]},', b'"' + b"x" * 1000 + b'",', b'"2026",', b"[[[[]]]],", b" ",
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("around", [b'{"policies":[%b0]}', b'{"policies":[{"failure-details":[%b0]}]}'])
def test_the_largest_report_is_read_in_seconds_whatever_it_holds(around: bytes, piece: bytes) -> None:
    """It takes 0.7 s at most on a machine that is not busy. `hostile_growth` measures how the time grows."""
    octets = around.replace(b"%b", piece * (((4 << 20) - 100) // len(piece)))
    gc.collect()
    gc.freeze()  # a run of all tests holds far more than the program, and the collector would walk it
    try:
        began = time.process_time()
        report.parse(octets)
        assert time.process_time() - began < 5
    finally:
        gc.unfreeze()


def test_a_text_of_many_characters_is_cut() -> None:
    assert values.text("x" * 10**6) == "x" * 200
    assert values.text(["x" * 300] * 300, 50) == "x" * 50
    assert values.text({"a": 1}) == values.text(True) == values.text(None) == ""
    assert values.text(7) == "7"
