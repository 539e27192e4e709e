"""What an authority refuses, in words, and when it wants us to come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.renewal.problems import clock_error, in_words, may_try_again, parse_retry_after

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PREFIX = "urn:ietf:params:acme:error:"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3600", 3600),
        (" 60 ", 60),
        ("Thu, 26 Nov 2026 13:00:00 GMT", 3600),
        ("Thu, 26 Nov 2026 14:00:00 +0100", 3600),
        ("Thursday, 26-Nov-26 13:00:00 GMT", 3600),
        ("Thu Nov 26 13:00:00 2026", 3600),
        ("604801", 604800),
        ("9" * 400, 604800),
        ("Thu, 26 Nov 2099 13:00:00 GMT", 604800),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("Thu, 26 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Thu, 99 Nov 2026 11:00:00 GMT", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_week(header: str | None, seconds: int | None) -> None:
    found = parse_retry_after(header, NOW)
    assert found == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Thu, 26 Nov 2026 12:30:00 GMT", ""),
        ("Thu, 26 Nov 2026 11:00:01 GMT", ""),
        ("Fri, 27 Nov 2026 12:00:00 GMT", "24 h behind the CA's"),
        ("Wed, 25 Nov 2026 12:00:00 GMT", "24 h ahead of the CA's"),
        ("nonsense", ""),
        (None, ""),
    ],
)
def test_a_clock_may_be_off_by_an_hour(date: str | None, said: str) -> None:
    found = clock_error(date, NOW)
    assert said in found
    assert bool(found) == bool(said)


def test_a_refusal_has_the_words_of_the_authority_in_one_printable_line_and_a_fix() -> None:
    said = in_words(PREFIX + "caa", "CAA record for\n mx1\x1b[31m forbids.", None)
    assert said.startswith("the CA refused (caa: CAA record for mx1 [31m forbids): a CAA record forbids it: ")
    assert len(in_words(PREFIX + "malformed", "x" * 9999, None)) < 400
    assert "it asks to wait until 2026-11-26 12:00 UTC" in in_words(PREFIX + "rateLimited", "", NOW)
    assert in_words("about:blank", "", None) == "the CA refused (about:blank: no reason given): see its words"


def test_only_what_may_pass_by_itself_is_tried_again() -> None:
    again = {
        "unauthorized",
        "dns",
        "dnssec",
        "incorrectResponse",
        "connection",
        "serverInternal",
        "malformed",
    }
    never = {"rateLimited", "caa", "badCSR", "rejectedIdentifier", "userActionRequired", "invalidProfile"}
    assert all(may_try_again(PREFIX + kind) for kind in again)
    assert not any(may_try_again(PREFIX + kind) for kind in never)
