"""The comment of a record that stays: read back as written, and nobody's for an older release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns.records import MARK_LENGTH, Record, is_marked, is_ours, mark_of
from dns.until import (
    Until,
    after,
    at,
    parse_withdrawn,
    plain,
    said_in_words,
    staying,
    until_of,
    wanted_again,
    withdrawn_text,
)

TIME = datetime(2026, 11, 26, 3, 5, tzinfo=UTC)
DOMAINS = st.one_of(
    st.just("example.com"), st.integers(40, 120).map(lambda n: f"{'a' * (n // 2)}.{'b' * (n - n // 2)}.com")
)
UNTILS = st.one_of(
    st.integers(0, 10**7).map(lambda seconds: Until(None, seconds)),
    st.integers(0, 10**9).map(lambda seconds: Until(TIME + timedelta(seconds=seconds))),
)


def record(comment: str | None) -> Record:
    return Record("A", "mx1.example.com", "192.0.2.1", comment=comment)


def test_the_comment_says_what_it_is_and_until_when() -> None:
    made = staying(record(mark_of("example.com")), Until(TIME))
    assert made.comment == "letterbox until 2026-11-26T03:05:00Z example.com"
    assert staying(made, Until(None, 300)).comment == "letterbox until +300 example.com"


@given(domain=DOMAINS, until=UNTILS, then=UNTILS, rest=st.sampled_from(["", " by Bob", " x" * 40]))
def test_it_is_read_back_and_stays_ours_and_short_enough(
    domain: str, until: Until, then: Until, rest: str
) -> None:
    made = staying(staying(record(mark_of(domain) + rest), until), then)
    assert until_of(made) == then
    assert len(made.comment or "") <= MARK_LENGTH
    assert is_marked(made, mark_of(domain))
    assert not is_marked(made, mark_of("other.com"))
    assert is_ours(made)
    again = wanted_again(made)
    assert until_of(again) is None
    assert is_marked(again, mark_of(domain))


def test_what_somebody_wrote_behind_our_comment_is_kept() -> None:
    own = record("letterbox example.com by Bob")
    assert wanted_again(staying(own, Until(TIME))) == own


@given(domain=DOMAINS, until=UNTILS)
def test_an_older_release_does_not_take_it_for_its_own(domain: str, until: Until) -> None:
    """Version 0.1 compared the first two words of a comment with those of its mark."""
    made = staying(record(mark_of(domain)), until)
    assert (made.comment or "").split()[:2] != mark_of(domain).split()


@pytest.mark.parametrize(
    "comment", [None, "", "letterbox", "letterbox example.com", "until +300 x", "Bob's", "letterboxes until"]
)
def test_other_comments_say_no_time(comment: str | None) -> None:
    assert until_of(record(comment)) is None
    assert wanted_again(record(comment)) == record(comment)
    assert plain(comment) == (comment or "")


@pytest.mark.parametrize("said", ["tomorrow", "", "+", "+x", "2026-11-26", "+\N{ARABIC-INDIC DIGIT FIVE}"])
def test_a_time_that_cannot_be_read_is_one_that_has_not_come(said: str) -> None:
    assert until_of(record(f"letterbox until {said} example.com")) == Until(None)


def test_a_time_is_a_whole_minute_after_the_ttl_and_the_time_to_reach_the_nameservers() -> None:
    now = datetime(2026, 11, 26, 2, 55, 30, 7, tzinfo=UTC)
    assert after(now, 300) == datetime(2026, 11, 26, 3, 4, tzinfo=UTC)
    assert said_in_words(after(now, 300)) == "2026-11-26 03:04 UTC"
    assert said_in_words(TIME + timedelta(seconds=1)) == "2026-11-26 03:06 UTC", "never too early"


def test_the_record_of_a_withdrawn_domain_says_the_time_in_its_text_too() -> None:
    text = withdrawn_text(TIME)
    assert text == "letterbox: withdrawn, senders may come until 2026-11-26T03:05:00Z"
    assert parse_withdrawn(text) == TIME
    assert parse_withdrawn("v=spf1 -all") is None
    moved = at(Record("TXT", "_letterbox.example.com", text), Until(TIME + timedelta(minutes=5)))
    assert parse_withdrawn(moved.content) == TIME + timedelta(minutes=5)
