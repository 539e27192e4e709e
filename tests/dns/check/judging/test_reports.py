"""What is advised because of TLS reports, and that nothing is advised when they are not known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from dns.check import judge_reports
from dns.check.findings import Finding, Group
from dns.inventory.host_reports import HostReports, Reason, Reported
from dns.world.seen import PolicySeen
from tests.dns.check.judging.values import seen

TODAY = date(2026, 11, 26)
EXPIRED = "certificate-expired"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def line(**changes: Any) -> Reported:
    """What one sender says since 20 days: all sessions of the policy that is tested succeeded."""
    right: dict[str, Any] = {
        "sender": "google.com", "policy": "sts", "domain": "e.org", "mode": "testing", "succeeded": 100,
        "failed": 0, "first": ago(20), "last": ago(1), "reasons": (),
    }  # fmt: skip
    return Reported(**{**right, **changes})


def failed(days_ago: int, kind: str = EXPIRED, count: int = 3, **changes: Any) -> Reported:
    text = {EXPIRED: "the certificate had expired"}.get(kind, kind)
    reason = Reason(kind, text, count, ago(days_ago), ago(days_ago), "mx.e.org")
    return line(**{"failed": count, "reasons": (reason,), **changes})


def judged(*hosts: HostReports, wanted: str = "testing") -> list[Finding]:
    reports = {f"mx{number}": host for number, host in enumerate(hosts)}
    return list(judge_reports.judge(seen(policy=PolicySeen(wanted=wanted), tls_reports=reports), TODAY))


def codes(*lines: Reported, **changes: Any) -> list[str]:
    found = judged(HostReports(lines, **{k: v for k, v in changes.items() if k != "wanted"}),
                   **{k: v for k, v in changes.items() if k == "wanted"})  # fmt: skip
    assert all(finding.group is Group.ADVISED for finding in found), "a stranger's word requires nothing"
    return [finding.code for finding in found]


def test_enforce_is_advised_after_14_days_of_testing_with_reports_and_no_failure() -> None:
    (finding,) = judged(HostReports((line(), line(sender="microsoft.com"))))
    assert finding.code == "enforce"
    assert "is in testing since 2026-11-06" in finding.problem
    assert "2 senders that report (google.com, microsoft.com)" in finding.problem
    assert finding.fix == '"mta_sts": "enforce" in the inventory, then python -m dns.sync e.org'


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(first=ago(13))],
        [line(last=ago(8))],  # nobody reports any more
        [line(mode="enforce")],
        [line(mode="")],
        [line(policy="no-policy-found", mode="")],
        [line(policy="tlsa", mode="")],
        [line(domain="other.org")],
    ],
)
def test_enforce_is_not_advised_without_reports_about_two_weeks_of_testing(lines: list[Reported]) -> None:
    assert codes(*lines) == []


@pytest.mark.parametrize("days_ago", [0, 1, 7, 8, 14])
@pytest.mark.parametrize("policy", ["sts", "no-policy-found", "new-policy"])
def test_enforce_is_not_advised_if_any_sender_saw_a_failure_in_14_days(days_ago: int, policy: str) -> None:
    assert "enforce" not in codes(line(), failed(days_ago, sender="small.test", policy=policy))


def test_enforce_is_advised_again_after_the_last_failure_is_older_than_14_days() -> None:
    assert codes(failed(15)) == ["enforce"]


def test_a_failure_of_dane_alone_does_not_keep_from_enforce() -> None:
    assert codes(line(), failed(3, "tlsa-invalid", policy="tlsa", mode="")) == ["tls-failures", "enforce"]


def test_a_failure_without_a_reason_keeps_from_enforce() -> None:
    assert codes(line(failed=1)) == ["tls-failures"]


@pytest.mark.parametrize("wanted", ["", "enforce", "none"])
def test_enforce_is_advised_only_if_the_inventory_says_testing(wanted: str) -> None:
    assert codes(line(), wanted=wanted) == []


@pytest.mark.parametrize("unknown", [{"unread": "x"}, {"incomplete": "5 mails were not read"}])
def test_enforce_is_not_advised_if_not_all_reports_are_known(unknown: dict[str, str]) -> None:
    assert judged(HostReports((line(),)), HostReports(**unknown)) == []


def test_a_failure_of_the_last_week_is_named_by_sender_and_reason() -> None:
    (finding,) = judged(HostReports((failed(7),)), wanted="enforce")
    assert finding.code == "tls-failures"
    assert finding.problem == (
        "e.org: google.com reports 3 failed sessions at mx.e.org on 2026-11-19 (MTA-STS): "
        "the certificate had expired"
    )
    assert finding.fix == "letterbox doctor on mx.e.org says whether its certificate is right"
    assert codes(failed(8), wanted="enforce") == []


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        ("starttls-not-supported", "letterbox doctor on mx.e.org"),
        ("sts-policy-fetch-error", "python -m dns.sync e.org --check"),
        ("tlsa-invalid", "python -m dns.sync e.org --check"),
        ("validation-failure", "letterbox tls-reports e.org on the host"),
        ("", "letterbox tls-reports e.org on the host"),
    ],
)
def test_a_failure_has_the_fix_of_its_kind(kind: str, fix: str) -> None:
    (finding,) = judged(HostReports((failed(1, kind),)), wanted="enforce")
    assert finding.fix.startswith(fix)


def test_the_same_failure_at_two_hosts_mailboxes_is_one_finding_with_the_sum() -> None:
    (finding,) = judged(HostReports((failed(3),)), HostReports((failed(2, count=4),)), wanted="enforce")
    assert "reports 7 failed sessions at mx.e.org from 2026-11-23 to 2026-11-24" in finding.problem


def test_two_hosts_with_one_mailbox_do_not_count_twice() -> None:
    (finding,) = judged(HostReports((failed(3),)), HostReports((failed(3),)), wanted="enforce")
    assert "reports 3 failed sessions" in finding.problem


def test_a_flood_of_failures_is_cut_with_their_number() -> None:
    found = judged(HostReports(tuple(failed(1, sender=f"s{n}.test") for n in range(300))))
    assert len(found) == 11
    assert "290 more kinds of failed sessions" in found[-1].problem


def remarked(**hosts: HostReports) -> list[str]:
    return list(judge_reports.remarks(seen(tls_reports=hosts)))


def test_what_is_not_known_is_a_remark() -> None:
    assert remarked(mx1=HostReports(unread="they could not be read over ssh (x)")) == [
        "mx1: what senders report of TLS was not judged, because they could not be read over ssh (x)"
    ]
    (text,) = remarked(mx1=HostReports((line(),), incomplete="5 mails were not read"))
    assert "not all TLS reports were judged (5 mails were not read)" in text
    (text,) = remarked(mx1=HostReports((line(),), unproven=4))
    assert "4 TLS reports were not judged: no signature" in text
    assert remarked(mx1=HostReports(), mx2=HostReports()) == [
        "no TLS report has come to tls-reports@e.org in the last 30 days"
    ]
    assert remarked(mx1=HostReports((line(),)), mx2=HostReports()) == []
    assert remarked() == []
