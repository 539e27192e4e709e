"""When a certificate is due. No number of days is fixed: the same rules hold for 90 days and for six."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.renewal.certificates import Certificate, Request
from services.renewal.due import Issued, difference, due, due_by_life, warning_from
from services.renewal.look import is_better, is_new
from services.renewal.renewal import Wanted

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
REQUEST = Request(b"", ("mx1.example.test",), "ab" * 32)
WANTED = Issued("https://ca.test/dir", "tlsserver")
ISSUED = Issued("https://ca.test/dir", "tlsserver", "cd" * 32)


def held(life: timedelta = 90 * DAY, used: timedelta = DAY, **changed: object) -> Certificate:
    values = {
        "pem": b"",
        "names": REQUEST.names,
        "key": REQUEST.key,
        "issuer": "CN=A CA",
        "self_signed": False,
        "not_before": NOW - used,
        "not_after": NOW - used + life,
        "digest": ISSUED.digest,
    }
    return Certificate(**(values | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (held(), ""),
        (None, "there is no certificate yet"),
        (held(key="00" * 32), "the certificate is for another key"),
        (held(names=("mx1.example.test", "mx2.example.test")), "is for mx1.example.test, mx2.example.test"),
        (held(names=()), "the certificate is for no name"),
        (held(self_signed=True), "the certificate is self-signed"),
        (held(used=90 * DAY), "the certificate expired at 2026-11-26 12:00 UTC"),
        (held(used=90 * DAY - timedelta(seconds=1)), ""),
    ],
)
def test_a_certificate_that_is_not_what_is_wanted(certificate: Certificate | None, why: str) -> None:
    found = difference(certificate, REQUEST, WANTED, ISSUED, NOW)
    assert why in found
    assert bool(found) == bool(why)


def test_names_may_come_in_another_order() -> None:
    request = Request(b"", ("a.test", "b.test"), REQUEST.key)
    assert not difference(held(names=("b.test", "a.test")), request, WANTED, ISSUED, NOW)


def test_another_authority_or_profile_counts_only_if_it_is_known() -> None:
    for wanted in (Issued("https://other.test/dir", "tlsserver"), Issued("https://ca.test/dir", "")):
        assert difference(held(), REQUEST, wanted, ISSUED, NOW)
        assert not difference(held(), REQUEST, wanted, Issued("", "", "ef" * 32), NOW), (
            "of another certificate"
        )
        assert not difference(held(), REQUEST, wanted, Issued(), NOW), "the state was lost"


@pytest.mark.parametrize(
    ("life", "left"),
    [(90 * DAY, 30 * DAY), (45 * DAY, 15 * DAY), (10 * DAY, 10 * DAY / 3), (6 * DAY, 3 * DAY)],
)
def test_a_third_of_life_is_left_and_half_of_a_short_one(life: timedelta, left: timedelta) -> None:
    certificate = held(life)
    assert abs(certificate.not_after - due_by_life(certificate) - left) < timedelta(seconds=1)


def test_a_suggestion_wins_but_lets_no_certificate_expire() -> None:
    certificate = held()
    for days in (-1, 5, 40, 70):
        assert due(certificate, NOW + days * DAY) == NOW + days * DAY
    assert due(certificate, NOW + 1000 * DAY) == warning_from(certificate) == certificate.not_after - 15 * DAY
    assert due(certificate, None) == due_by_life(certificate)


@pytest.mark.parametrize(
    ("theirs", "ours", "better"),
    [
        (held(), None, True),
        (held(used=DAY), held(used=2 * DAY), True),
        (held(used=2 * DAY), held(used=DAY), False),
        (held(), held(), False),
        (held(used=9 * DAY), held(self_signed=True), True),
        (held(used=9 * DAY), held(key="00" * 32), True),
        (held(self_signed=True), None, False),
        (held(key="00" * 32), None, False),
        (held(used=90 * DAY), None, False),
    ],
)
def test_the_certificate_of_the_host_is_taken_over_if_it_was_issued_last(
    theirs: Certificate, ours: Certificate | None, better: bool
) -> None:
    assert is_better(theirs, ours, REQUEST, NOW) is better


@pytest.mark.parametrize(
    ("certificate", "issued", "new"),
    [
        (None, ISSUED, True),
        (held(self_signed=True), ISSUED, True),
        (held(), ISSUED, False),
        (held(), Issued("https://other.test/dir", "tlsserver", ISSUED.digest), True),
        (held(), Issued("https://ca.test/dir", "", ISSUED.digest), True),
        (held(), Issued(), False),  # how it came was lost, so it may have come so
        (held(), Issued(digest=ISSUED.digest), False),
    ],
)
def test_only_what_gave_no_certificate_yet_is_new(
    certificate: Certificate | None, issued: Issued, new: bool
) -> None:
    wanted = Wanted(Path(), Path(), WANTED.directory, WANTED.profile)
    assert is_new(certificate, issued, wanted) is new
