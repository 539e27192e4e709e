"""Records compare equal when the world sees the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns.records import MARK_LENGTH, Record, from_api, is_marked, joined, mark_of, quoted, to_api


def answered(**fields: Any) -> Record:
    """The record that such an answer of the API stands for."""
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
    ],
)
def test_two_spellings_are_one_record(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert answered(name="Example.COM", **one) == answered(name="example.com.", **other)


def test_a_priority_that_comes_as_a_float_is_whole() -> None:
    assert answered(type="MX", name="e.test", content="mx.e.test", priority=10.0).priority == 10


def test_priority_zero_is_sent() -> None:
    assert to_api(Record("MX", "e.test", "mx.e.test", 0))["priority"] == 0


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=600))
def test_any_text_is_the_same_after_quoting_and_joining(text: str) -> None:
    whole = quoted(text)
    assert joined(whole) == text


def test_a_long_text_is_cut_into_strings_of_255_octets() -> None:
    assert [len(part) for part in quoted("ü" * 200).strip('"').split('" "')] == [127, 73]


def test_a_mark_fits_into_a_comment_however_long_the_domain() -> None:
    long = ".".join(["a" * 60] * 4)
    assert len(mark_of(long)) <= MARK_LENGTH
    assert mark_of(long) != mark_of(long + "b")


def test_a_mark_is_of_its_domain_alone_and_may_be_written_behind() -> None:
    mark = mark_of("example.com")
    assert is_marked(
        Record("A", "x", "1.1.1.1", comment="letterbox example.com, as Bob said".replace(",", " ,")), mark
    )
    assert not is_marked(Record("A", "x", "1.1.1.1", comment="letterbox example.org"), mark)
    assert not is_marked(Record("A", "x", "1.1.1.1", comment="by letterbox example.com"), mark)
    assert not is_marked(Record("A", "x", "1.1.1.1"), mark)
