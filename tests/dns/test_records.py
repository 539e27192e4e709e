"""Records compare equal if the world sees the same in them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dns.records import MARK_LENGTH, Record, difference, is_marked, joined, mark_of, quoted


def test_a_difference_is_one_line() -> None:
    one = Record("A", "e.test", "1.1.1.1", comment="a")
    assert difference(one, one) == "e.test A 1.1.1.1"
    changed = replace(one, content="1.1.1.2", ttl=60, comment=None)
    assert difference(one, changed) == (
        "e.test A 1.1.1.1 (content 1.1.1.1 -> 1.1.1.2, ttl 1 -> 60, comment a -> None)"
    )


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


def test_a_mark_counts_for_its_domain_only_and_a_comment_may_follow_it() -> None:
    mark = mark_of("example.com")
    assert is_marked(
        Record("A", "x", "1.1.1.1", comment="letterbox example.com, as Bob said".replace(",", " ,")), mark
    )
    assert not is_marked(Record("A", "x", "1.1.1.1", comment="letterbox example.org"), mark)
    assert not is_marked(Record("A", "x", "1.1.1.1", comment="by letterbox example.com"), mark)
    assert not is_marked(Record("A", "x", "1.1.1.1"), mark)
