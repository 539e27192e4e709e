"""Which mails of a mailbox count, who vouches for them, and what is summed up."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from receiver.reading import stored
from receiver.tls_reports import gathering, totals
from receiver.tls_reports.gathering import Gathered, Sender
from tests.receiver.reading.results import no_policy, passed, results, sent_by, signed, written
from tests.receiver.stored_mail import Mail
from tests.receiver.tls_reports.making import failure, mail, packed, report, store


@pytest.fixture
def folder(tmp_path: Path) -> Mail:
    return Mail(tmp_path / "mail")


def gathered(folder: Mail, days: int = 30) -> Gathered:
    return gathering.gather(stored.maildirs(folder.folder, "tls-reports"), days)


def today() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("place", ["new", "cur", ".Reports/new", ".Reports.2026/cur", "Reports/2026/cur"])
def test_a_report_is_found_in_every_folder_of_the_mailbox(folder: Mail, place: str) -> None:
    path = store(folder, report())
    target = path.parent.parent / place / f"{path.name}:2,S"
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    (one,) = gathered(folder).reports
    assert one.sender == Sender("google.com", True)


def test_what_is_being_written_and_what_a_link_leads_to_is_not_read(folder: Mail, tmp_path: Path) -> None:
    path = store(folder, report())
    elsewhere = tmp_path / "elsewhere/cur"
    elsewhere.mkdir(parents=True)
    path.rename(elsewhere / path.name)
    (path.parent.parent / ".Link").symlink_to(elsewhere.parent)
    (path.parent / path.name).symlink_to(elsewhere / path.name)
    other = store(folder, report())
    other.rename(other.parent.parent / "tmp" / other.name)
    assert gathered(folder).reports == []


def test_reading_changes_nothing_in_the_mailbox(folder: Mail) -> None:
    store(folder, report())
    store(folder, b"not JSON")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.folder.rglob("*")}
    gathered(folder)
    assert {
        path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in folder.folder.rglob("*")
    } == before


def test_the_time_of_arrival_decides_which_days_count_and_not_the_report(folder: Mail) -> None:
    path = store(folder, report("old", days_ago=1))
    old = path.with_name(path.name.replace(path.name[:10], str(int(time.time()) - 9 * 86_400)))
    path.rename(old)
    store(folder, report("claims to be old", days_ago=4000))
    (one,) = gathered(folder, 7).reports
    assert one.report.identity == "claims to be old"
    assert len(gathered(folder, 10).reports) == 2


@pytest.mark.parametrize("days_ago", [-3, 40, 4000, -4000])
def test_a_report_about_days_that_cannot_be_is_about_the_day_of_its_arrival(
    folder: Mail, days_ago: int
) -> None:
    path = store(folder, report(days_ago=days_ago))
    (one,) = gathered(folder).reports
    assert one.first == one.last == datetime.fromtimestamp(int(path.name[:10]), UTC).date()


def test_a_file_with_a_name_of_another_program_counts_by_its_own_time(folder: Mail) -> None:
    path = store(folder, report())
    named = path.rename(path.with_name("report.eml"))
    assert len(gathered(folder).reports) == 1
    os.utime(named, (0, time.time() - 40 * 86_400))
    assert gathered(folder).reports == []


def test_two_copies_of_a_report_count_once(folder: Mail) -> None:
    for _ in range(3):
        store(folder, report(succeeded=5))
    found = gathered(folder)
    assert (len(found.reports), found.duplicates) == (1, 2)
    assert totals.total(found).proven[0].succeeded == 5


def test_a_stranger_cannot_take_the_place_of_a_report_by_sending_its_identity_first(folder: Mail) -> None:
    store(folder, report("1", succeeded=5))
    store(folder, report("1", succeeded=700), domain=None)
    store(folder, report("1", succeeded=900), domain="evil.test")
    lines = totals.total(gathered(folder))
    assert {each.sender.domain: each.succeeded for each in lines.proven} == {
        "google.com": 5,
        "evil.test": 900,
    }
    assert [each.succeeded for each in lines.unproven] == [700]


DKIM, SPF = passed("dkim", "google.com"), passed("spf", "google.com")


@pytest.mark.parametrize(
    ("above", "proven"),
    [
        (written(results(DKIM, signed("google.com"))), True),
        (written(results(no_policy("google.com"), signed("google.com"))), True),
        (written(results(SPF, signed("mail.google.com"), spf=sent_by("google.com"))), True),
        (written(results(SPF, spf=sent_by("google.com"))), False),
        (written(results(SPF, signed("evil.test"), spf=sent_by("google.com"))), False),
        (written(results(SPF, signed("com"), spf=sent_by("google.com"))), False),
        (written(results(SPF, signed("notgoogle.com"), spf=sent_by("google.com"))), False),
        (written(results(SPF, signed("google.com", "fail"), spf=sent_by("google.com"))), False),
        (written(results(no_policy("google.com"), signed("evil.test"))), False),
        (b"", None),
    ],
    ids=str,
)
def test_only_a_signature_of_the_author_proves_a_report(
    folder: Mail, above: bytes, proven: bool | None
) -> None:
    folder.store(mail(packed(report())), "tls-reports", above=above)
    found = gathered(folder)
    (one,) = found.reports
    assert one.sender.is_proven is proven
    lines = totals.total(found)
    assert (len(lines.proven), len(lines.unproven)) == ((1, 0) if proven else (0, 1))


def test_what_cannot_be_read_is_counted_with_its_reason_and_its_mail(folder: Mail) -> None:
    store(folder, report())
    path = store(folder, b"{")
    folder.store("Subject: hello\n\nDear postmaster\n", "tls-reports")
    found = gathered(folder)
    assert (len(found.reports), found.others) == (1, 1)
    (one,) = found.unreadable
    assert (one.path, one.reason, one.sender) == (str(path), "it is not JSON", Sender("google.com", True))


def test_a_mail_that_is_far_too_large_is_not_opened(folder: Mail) -> None:
    folder.store(mail(b"x" * (11 << 20), encoding="8bit"), "tls-reports")
    (one,) = gathered(folder).unreadable
    assert one.reason == "it has more than 10 MiB"


def test_mail_that_nobody_vouches_for_cannot_crowd_out_a_report(folder: Mail) -> None:
    """5,000 such mails are read. A report that is proven is found behind 6,000."""
    store(folder, report("proven", succeeded=5))
    path = store(folder, report("flood"), domain=None)
    octets, box = path.read_bytes(), path.parent
    now = int(time.time())
    for number in range(6000):
        (box / f"{now}.M{number:06d}P1Q1Rabcdef01.mx").write_bytes(octets)
    found = gathered(folder)
    assert [each.sender.domain for each in found.reports if each.sender.is_proven] == ["google.com"]
    assert found.left_out == found.left_out_unproven == 1001
    assert len(found.reports) + found.duplicates == 5001


def test_bombs_spend_their_own_room_and_not_that_of_proven_mail(folder: Mail) -> None:
    store(folder, report("proven", succeeded=5))
    bomb = mail(packed(b'"' + b"0" * ((4 << 20) - 2) + b'"'))
    path = folder.store(bomb, "tls-reports")
    for number in range(20):
        os.link(path, path.with_name(f"{path.name}{number}"))
    found = gathered(folder)
    assert len(found.reports) == 1
    assert len(found.unreadable) == 16, "64 MiB of them"
    assert found.left_out == found.left_out_unproven == 21 - 16


def test_sessions_are_summed_up_by_sender_and_policy(folder: Mail) -> None:
    expired = {"receiving_mx_hostname": "mx1.example.test", "receiving_ip": "203.0.113.5"}
    for days_ago, count in ((5, 1), (3, 2), (2, 3)):
        store(folder, report(
            f"day {days_ago}", days_ago=days_ago, succeeded=100, failed=count, failures=[
                failure(count=count, sending_mta_ip=f"192.0.2.{days_ago}", **expired)
            ],
        ))  # fmt: skip
    store(folder, report("other mode", mode="enforce", succeeded=7))
    store(folder, report("other policy", kind="tlsa", domain="mx1.example.test", succeeded=8))
    store(folder, report("other sender", succeeded=9, organization="Google Inc."), domain="other.test")
    lines = totals.total(gathered(folder)).proven
    found = [(each.sender.domain, each.type, each.mode, each.succeeded, each.failed) for each in lines]
    assert found == [
        ("google.com", "sts", "testing", 300, 6),
        ("google.com", "sts", "enforce", 7, 0),
        ("google.com", "tlsa", "", 8, 0),
        ("other.test", "sts", "testing", 9, 0),
    ]
    first = lines[0]
    assert (first.reports, (today().date() - first.first).days, (today().date() - first.last).days) == (
        3,
        5,
        2,
    )
    (reason,) = first.reasons
    assert (reason.type, reason.count, reason.host) == ("certificate-expired", 6, "mx1.example.test")
    assert reason.named == ["192.0.2.2", "192.0.2.3", "192.0.2.5"]


def test_a_failure_without_a_reason_is_one_whose_reason_was_not_said(folder: Mail) -> None:
    store(folder, report(failed=3))
    (line,) = totals.total(gathered(folder)).proven
    assert [(each.type, each.count) for each in line.reasons] == [("", 3)]
    assert line.to_json()["failures"][0]["text"] == "the sender did not say why"  # type: ignore[index]


def test_a_sender_has_a_limit_of_lines_and_of_reasons_and_the_rest_is_counted(folder: Mail) -> None:
    store(folder, report("reasons", failed=100, failures=[failure(f"r{n}") for n in range(100)]))
    for number in range(30):
        store(folder, report(f"{number}", domain=f"d{number}.test"), domain="many.test")
    lines = totals.total(gathered(folder))
    assert [each.sender.domain for each in lines.proven] == ["google.com", *["many.test"] * 20]
    assert (lines.left_out, lines.left_out_unproven) == (10, 0)
    assert (len(lines.proven[0].reasons), lines.proven[0].other_reasons) == (25, 75)


def test_a_report_that_is_older_than_the_day_it_arrives_keeps_its_days(folder: Mail) -> None:
    store(folder, report(days_ago=20))
    (one,) = gathered(folder).reports
    assert one.first == (today() - timedelta(days=20)).date()
