"""What senders report of TLS to the domain (RFC 8460), and whether its MTA-STS policy may be enforced. Pure.

A report is what a stranger says, so it makes advice at most. What is not known makes no finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from dns.check.findings import Finding, advised
from dns.inventory.host_reports import HostReports, Reason, Reported
from dns.world.seen import Seen

RECENT = timedelta(days=7)
"""A failure that was reported within this time is named."""
TESTED = timedelta(days=14)
"""For how long senders should have seen `testing`, and reported no failure, before `enforce`."""
_MOST = 10  # findings about failures
_POLICIES = {"sts": "MTA-STS", "tlsa": "DANE", "no-policy-found": "no policy"}
_OF_KEYS = {"tlsa-invalid", "dnssec-invalid", "dane-required"}
_OF_THE_POLICY = {"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"}


def judge(seen: Seen, today: date) -> Iterator[Finding]:
    """The findings about the reports. `today` is the day in UTC."""
    failures = sorted(_failures(seen, today), key=lambda each: (-each[2].count, each[0], each[2].type))
    for sender, policy, reason in failures[:_MOST]:
        yield _failure(seen, sender, policy, reason)
    more = len(failures) - _MOST
    if more > 0:
        problem = f"{seen.domain}: senders report {more} more kinds of failed sessions"
        yield advised("tls-failures", problem, _all(seen))
    if tested := _tested_since(seen, today):
        senders = sorted({line.sender for line in _lines(seen) if line.mode == "testing"})
        yield advised(
            "enforce",
            f"{seen.domain}: its MTA-STS policy is in testing since {tested} or longer, and none of the "
            f"{len(senders)} senders that report ({_some(senders)}) has seen a failure in {TESTED.days} days",
            f'"mta_sts": "enforce" in the inventory, then python -m dns.sync {seen.domain}',
        )


def remarks(seen: Seen) -> Iterator[str]:
    """What is not known of the reports, and which of them do not count."""
    for name, host in seen.tls_reports.items():
        if host.unread:
            yield f"{name}: what senders report of TLS was not judged, because {host.unread}"
        elif host.incomplete:
            yield f"{name}: not all TLS reports were judged ({host.incomplete}): {_all(seen)}"
        if host.unproven:
            yield f"{name}: {host.unproven} TLS reports were not judged: no signature shows who sent them"
    if seen.tls_reports and not any(
        host.reported or host.unproven or host.unread or host.incomplete for host in seen.tls_reports.values()
    ):
        yield f"no TLS report has come to tls-reports@{seen.domain} in the last 30 days"


def _lines(seen: Seen) -> list[Reported]:
    """What senders said to all hosts. Two hosts that share their mail say the same, which counts once."""
    return list(dict.fromkeys(line for host in seen.tls_reports.values() for line in host.reported))


def _failures(seen: Seen, today: date) -> Iterator[tuple[str, str, Reason]]:
    """Each recent failure with its sender and policy. What several hosts were told is one failure."""
    found: dict[tuple[str, str, str, str], Reason] = {}
    for line in _lines(seen):
        for reason in _reasons(line):
            if today - reason.last <= RECENT:
                key = (line.sender, line.policy, reason.type, reason.host)
                known = found.get(key)
                found[key] = _together(known, reason) if known else reason
    return ((sender, policy, reason) for (sender, policy, _, _), reason in found.items())


def _reasons(line: Reported) -> tuple[Reason, ...]:
    """The reasons, or one that was not said if sessions failed without any."""
    if line.failed and not line.reasons:
        return (Reason("", "the sender did not say why", line.failed, line.first, line.last),)
    return line.reasons


def _together(one: Reason, other: Reason) -> Reason:
    return replace(
        one,
        count=one.count + other.count,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
    )


def _failure(seen: Seen, sender: str, policy: str, reason: Reason) -> Finding:
    days = f"on {reason.last}" if reason.first == reason.last else f"from {reason.first} to {reason.last}"
    at = f" at {reason.host}" if reason.host else ""
    return advised(
        "tls-failures",
        f"{seen.domain}: {sender} reports {reason.count} failed sessions{at} {days} "
        f"({_POLICIES.get(policy, policy or 'no policy named')}): {reason.text}",
        _fix(seen, reason),
    )


def _fix(seen: Seen, reason: Reason) -> str:
    if reason.type in _OF_THE_POLICY or reason.type in _OF_KEYS:
        return f"python -m dns.sync {seen.domain} --check says whether what is published is right"
    if reason.type.startswith("certificate-") or reason.type == "starttls-not-supported":
        return f"letterbox doctor on {reason.host or 'the host'} says whether its certificate is right"
    return _all(seen)


def _all(seen: Seen) -> str:
    return f"letterbox tls-reports {seen.domain} on the host shows all that was reported"


def _tested_since(seen: Seen, today: date) -> date | None:
    """Since when senders have seen `testing` without a failure. None if that is too short, or not known."""
    hosts: Mapping[str, HostReports] = seen.tls_reports
    wanted = seen.policy.wanted if seen.policy else ""
    if wanted != "testing" or not hosts or any(host.unread or host.incomplete for host in hosts.values()):
        return None
    lines = [line for line in _lines(seen) if line.policy != "tlsa"]
    testing = [line for line in lines if line.mode == "testing" and line.domain in ("", seen.domain)]
    if any(today - reason.last <= TESTED for line in lines for reason in _reasons(line)):
        return None
    first, last = (
        min((one.first for one in testing), default=today),
        max((one.last for one in testing), default=date.min),
    )
    return first if today - first >= TESTED and today - last <= RECENT else None


def _some(senders: list[str]) -> str:
    return ", ".join(senders[:3]) + (", …" if len(senders) > 3 else "")
