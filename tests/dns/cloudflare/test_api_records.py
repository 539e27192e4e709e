"""Records in the form in which Cloudflare's API takes and answers them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dns.cloudflare.api_records import changed_fields, from_api, to_api
from dns.records import Record


def answered(**fields: Any) -> Record:
    """The record with these fields in an answer of the API."""
    return from_api({"id": "1", "ttl": 1, "proxied": False, **fields}).record


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "AAAA", "content": "2001:DB8:0:0::25"}, {"type": "AAAA", "content": "2001:db8::25"}),
        ({"type": "MX", "content": "MX1.Example.com."}, {"type": "MX", "content": "mx1.example.com"}),
        (
            {"type": "MX", "content": "mx.bücher.example"},
            {"type": "MX", "content": "mx.xn--bcher-kva.example"},
        ),
        ({"type": "TXT", "content": '"v=spf1 " "-all"'}, {"type": "TXT", "content": "v=spf1 -all"}),
        ({"type": "TXT", "content": r'"a\"b\\c\059"'}, {"type": "TXT", "content": 'a"b\\c;'}),
        ({"type": "A", "content": "1.1.1.1", "ttl": 300.0}, {"type": "A", "content": "1.1.1.1", "ttl": 300}),
        ({"type": "A", "content": "1.1.1.1", "priority": 0}, {"type": "A", "content": "1.1.1.1"}),
        (
            {"type": "MX", "content": "mx.e.test", "data": {"priority": 10.0, "target": "mx.e.test"}},
            {"type": "MX", "content": "mx.e.test", "priority": 10},
        ),
        (
            {"type": "MX", "data": {"priority": 10, "target": "mx.e.test"}},
            {"type": "MX", "content": "mx.e.test", "priority": 10},
        ),
        (
            {"type": "CAA", "data": {"flags": 0.0, "tag": "issue", "value": "x.org"}},
            {"type": "CAA", "content": '0 issue "x.org"'},
        ),
    ],
)
def test_two_spellings_are_one_record(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert answered(name="Example.COM", **one) == answered(name="example.com.", **other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"id": 7},
        {"type": None},
        {"name": []},
        {"content": 7},
        {"content": ""},
        {"ttl": "1"},
        {"ttl": float("nan")},
        {"ttl": float("inf")},
        {"ttl": 1.5},
        {"priority": "10"},
        {"priority": float("nan")},
        {"priority": -1},
        {"priority": 65536},
    ],
)
def test_a_record_of_a_wrong_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"a record|e\.test MX"):
        answered(**{"type": "MX", "name": "e.test", "content": "mx.e.test", "priority": 10, **wrong})


def test_a_record_of_a_type_that_is_made_of_data_needs_no_content() -> None:
    loc = answered(type="LOC", name="e.test", content=None, data={"lat": 1})
    assert (loc.content, to_api(loc)["data"]) == ("", {"lat": 1})
    assert "content" not in to_api(loc)


@pytest.mark.parametrize(
    ("meta", "record", "owner"),
    [
        ({}, {}, ""),
        (None, {}, ""),
        ({"read_only": False, "origin_worker_id": "x"}, {}, ""),
        ({"auto_added": True}, {}, ""),
        ({"email_routing": True}, {}, "Email Routing"),
        ({"email_routing": True, "read_only": True}, {}, "Email Routing"),
        ({"read_only": True, "origin_worker_id": "x"}, {}, "Workers"),
        ({"read_only": True, "r2_bucket": "b"}, {}, "R2"),
        ({"read_only": True}, {"type": "AAAA", "content": "100::"}, "Workers"),
        ({"read_only": True}, {"type": "CNAME", "content": "public.r2.dev."}, "R2"),
        ({"read_only": True}, {"type": "CNAME", "content": "x.pages.dev"}, "Pages"),
        ({"read_only": True}, {}, "Cloudflare"),
    ],
)
def test_the_owner_of_a_read_only_record_is_told_by_its_meta_else_by_its_content(
    meta: object, record: dict[str, Any], owner: str
) -> None:
    a = {"id": "1", "type": "A", "name": "e.test", "content": "1.1.1.1"}
    held = from_api({**a, "meta": meta, **record})
    assert (held.owner, held.locked) == (owner, bool(owner))


def test_only_the_fields_that_differ_are_returned() -> None:
    before = Record("MX", "e.test", "mx.e.test", 10, 300, comment="x", extras={"tags": ["a"]})
    assert changed_fields(before, before) == {}
    assert changed_fields(before, replace(before, ttl=1)) == {"ttl": 1}
    assert changed_fields(before, replace(before, priority=0, comment=None)) == {"priority": 0, "comment": ""}


def test_tags_and_settings_go_back_with_a_record() -> None:
    extras = {"tags": ["a:b"], "settings": {"ipv4_only": True}}
    record = answered(type="A", name="e.test", content="1.1.1.1", **extras)
    assert {key: to_api(record)[key] for key in extras} == extras


def test_a_priority_that_comes_as_a_float_is_whole() -> None:
    assert answered(type="MX", name="e.test", content="mx.e.test", priority=10.0).priority == 10


def test_priority_zero_is_sent() -> None:
    assert to_api(Record("MX", "e.test", "mx.e.test", 0))["priority"] == 0
