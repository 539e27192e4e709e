"""What is read from reports in the shapes that senders really use, and in others that are meant well."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from receiver.tls_reports import attachment, report, values
from receiver.tls_reports.report import Failure, Policy, Report
from tests.receiver.tls_reports import making
from tests.receiver.tls_reports.making import FAILED, REPORTS, SUCCEEDED

FETCH_ERROR = "sts-policy-fetch-error"
MX1, ADDRESS = "mx1.example.test", "203.0.113.5"
COMPANY_Y = ".mail.company-y.example"
ABOUT = "https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported"


def read(value: Any) -> Report:
    return report.parse(value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.mark.parametrize(
    ("name", "organization", "day", "policies"),
    [
        (
            "rfc8460", "Company-X", date(2016, 4, 1),
            [Policy("sts", "company-y.example", "testing", 5326, 303, (
                Failure("certificate-expired", 100, "2001:db8:abcd:0012::1", f"mx1{COMPANY_Y}"),
                Failure("starttls-not-supported", 200, "2001:db8:abcd:0013::1", f"mx2{COMPANY_Y}",
                        "203.0.113.56", "", ABOUT),
                Failure("validation-failure", 3, "198.51.100.62", f"mx-backup{COMPANY_Y}", "203.0.113.58",
                        "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"),
            ))],
        ),
        (
            "google", "Google Inc.", date(2026, 11, 20),
            [Policy("no-policy-found", "example.test", "", 2, 0, ())],
        ),
        (
            "google-failures", "Google Inc.", date(2026, 11, 21),
            [Policy("sts", "example.test", "testing", 0, 3, (
                Failure("validation-failure", 2, "192.0.2.201", MX1, ADDRESS),
                Failure("validation-failure", 1, "192.0.2.176", MX1, ADDRESS),
            ))],
        ),
        (
            "microsoft", "Microsoft Corporation", date(2026, 11, 22),
            [
                Policy("sts", "example.test", "enforce", 2, 0, ()),
                Policy("tlsa", "example.test", "", 4, 0, ()),
            ],
        ),
        (
            "microsoft-fetch-error", "Microsoft Corporation", date(2026, 11, 23),
            [Policy("sts", "example.test", "", 0, 3, (Failure(FETCH_ERROR, 3),))],
        ),
        (
            "mail-ru", "Mail.ru", date(2026, 11, 22),
            [Policy("sts", "example.test", "", 0, 1, (
                Failure(FETCH_ERROR, 1, code="bad https response code: 404"),
                Failure(FETCH_ERROR, 1, code="bad https response code: 500"),
            ))],
        ),
        (
            "without-contact", "relay.sender.test", date(2026, 11, 20),
            [Policy("sts", "example.test", "enforce", 1, 0, ())],
        ),
        (
            "without-policy-domain", "postfix.sender.test", date(2026, 11, 20),
            [Policy("no-policy-found", "", "", 1, 0, ())],
        ),
        (
            "empty-fields", "Reporter Example", date(2026, 11, 19),
            [Policy("sts", "example.test", "enforce", 0, 1, (
                Failure(FETCH_ERROR, 1, code="no-policy-served"),
            ))],
        ),
    ],
)  # fmt: skip
def test_a_report_of_a_real_sender_is_read_whole(
    name: str, organization: str, day: date, policies: list[Policy]
) -> None:
    found = read((REPORTS / f"{name}.json").read_bytes())
    assert (found.organization, found.first, found.last) == (organization, day, day)
    assert list(found.policies) == policies
    assert found.is_complete


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_mail_of_tlsrpt_reporter_is_read(ends: bytes) -> None:
    content = (REPORTS / "postfix.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", ends)
    (octets,) = attachment.reports(content)
    assert isinstance(octets, bytes)
    found = read(octets)
    assert found.organization == "Sender Test"
    (policy,) = found.policies
    assert (policy.type, policy.domain, policy.succeeded, policy.failed) == ("tlsa", "mx1.example.test", 2, 1)
    assert [(each.type, each.count) for each in policy.failures] == [("certificate-not-trusted", 1)]


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        (["version: STSv1", "mode: enforce"], "enforce"),
        ("version: STSv1\r\nmode: testing\r\nmax_age: 86400", "testing"),
        ("version: STSv1\\r\\nmode: testing\\r\\n", "testing"),
        ("version: STSv1\nmode:none\n", "none"),
        (["  Mode : Testing "], "testing"),
        (["mode: other"], ""),
        ("mode: enforced", ""),
        ([], ""),
        (None, ""),
        ([["mode: enforce"], {"mode": "enforce"}, 7], ""),
    ],
)
def test_the_mode_of_a_policy_is_read_from_a_list_or_from_a_text(given: Any, mode: str) -> None:
    value = making.report()
    value["policies"][0]["policy"]["policy-string"] = given
    assert read(value).policies[0].mode == mode


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (5, 5), ("5", 5), (" 12 ", 12), (5.0, 5), (0, 0), (10**12, 10**12),
        (10**12 + 1, None), (-1, None), ("-1", None), (5.5, None), (1e300, None), (True, None), (None, None),
        ("five", None), ("٣", None), ("9" * 5000, None), ([5], None), ({"a": 5}, None), ("", None),
    ],
)  # fmt: skip
def test_a_count_is_a_whole_number_also_as_a_text(given: Any, count: int | None) -> None:
    assert values.count(given) == count


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-25T10:30:00Z", "2026-11-25T10:30:00.123456789Z", "2026-11-25 10:30:00", "2026-11-25T10:30Z",
        "2026-11-25T12:30:00+02:00", "2026-11-25T12:30:00+0200", "2026-11-25T05:00:00-05:30",
        "2026-11-25t10:30:00z", " 2026-11-25T10:30:00+00:00 ", "20261125T103000Z",
        "2026-11-25 10:30:00 UTC",
        "Wed, 25 Nov 2026 10:30:00 GMT", "25 Nov 2026 12:30:00 +0200", 1795602600, "1795602600",
        1795602600000,
        1795602600.0,
    ],
)  # fmt: skip
def test_a_time_is_read_in_each_form_that_senders_use(given: Any) -> None:
    assert values.moment(given) == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        "", "yesterday", "2026-13-45T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", -5,
        True,
        "2026-11-25T10:30:00+99:99", "٢٠٢٦-11-25", None, [], {}, float("1e300"), 10**14, "1" * 10**6,
        "31 Feb 2026", "1 Foo 2026",
    ],
)  # fmt: skip
def test_what_is_no_time_is_not_taken_for_one(given: Any) -> None:
    assert values.moment(given) is None


def test_a_day_that_ends_at_midnight_is_one_day() -> None:
    value = making.report()
    value["date-range"] = {"start-datetime": "2026-11-24T00:00:00Z", "end-datetime": "2026-11-25T00:00:00Z"}
    found = read(value)
    assert (found.first, found.last) == (date(2026, 11, 24), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("summary", "details", "failed", "reasons", "complete"),
    [
        ({SUCCEEDED: 5, FAILED: 2}, [], 2, 0, True),
        ({SUCCEEDED: 5}, [{"result-type": "x", "failed-session-count": 3}], 3, 3, False),
        (None, [{"result-type": "x", "failed-session-count": "2"}], 2, 2, False),
        ({SUCCEEDED: 5, FAILED: 0}, [{"result-type": "x", "failed-session-count": 3}], 3, 3, True),
        ({SUCCEEDED: 5, FAILED: 0}, [{"result-type": "x", "failed-session-count": 0}], 0, 0, True),
        ({SUCCEEDED: 5, FAILED: 1}, [{"result-type": "x"}], 1, 1, False),
        ({SUCCEEDED: 5, FAILED: 1}, {"result-type": "x", "failed-session-count": 1}, 1, 1, True),
        ({SUCCEEDED: 5, FAILED: "many"}, None, 0, 0, False),
    ],
)
def test_a_report_with_half_of_its_numbers_is_read_as_far_as_it_goes(
    summary: Any, details: Any, failed: int, reasons: int, complete: bool
) -> None:
    value = making.report()
    value["policies"][0].update({"summary": summary, "failure-details": details})
    found = read(value)
    (policy,) = found.policies
    assert (policy.failed, sum(each.count for each in policy.failures)) == (failed, reasons)
    assert found.is_complete is complete


def test_reports_are_equal_by_their_identity_and_days_and_not_by_their_form() -> None:
    one = making.report("1")
    assert read(one).key == read(json.dumps(one, indent=4).encode()).key
    assert read(one).key != read(making.report("2")).key
    assert read(one).key != read(making.report("1", days_ago=2)).key, "an identity that is used again"
    nameless = {key: value for key, value in one.items() if key != "report-id"}
    assert read(nameless).key == read(nameless).key
    assert read(nameless).key != read({**nameless, "organization-name": "Other"}).key


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_report_is_read_in_each_encoding_of_json(encoding: str) -> None:
    value = making.report(organization="Bücher GmbH")
    assert read(json.dumps(value, ensure_ascii=False).encode(encoding)).organization == "Bücher GmbH"
