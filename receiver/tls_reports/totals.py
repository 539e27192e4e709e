"""Many reports as a few lines: for each sender and policy the sessions, and the failures by reason. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from heapq import nsmallest

from receiver.tls_reports.gathering import Gathered, Received, Sender
from receiver.tls_reports.report import Failure, Policy
from receiver.tls_reports.words import in_words

MOST_PROVEN, MOST_UNPROVEN = 300, 50  # lines of senders and policies
MOST_OF_A_SENDER = 20  # of these lines, so that one sender cannot crowd out the others
MOST_REASONS = 25  # of one sender and policy
_MOST_HOSTS = 5  # sending hosts that are named


@dataclass(slots=True)
class Reason:
    """Sessions of one sender that failed for one reason, at one of our hosts."""

    type: str
    host: str
    address: str
    code: str
    count: int
    first: date
    last: date
    information: str = ""
    sending: dict[str, int] = field(default_factory=dict)  # sessions by the address of the sender's host

    def to_json(self) -> dict[str, object]:
        return {
            "type": self.type,
            "text": in_words(self.type),
            "count": self.count,
            "receiving_host": self.host or None,
            "receiving_address": self.address or None,
            "sending_hosts": self.named,
            "more_sending_hosts": len(self.sending) - len(self.named),
            "code": self.code or None,
            "information": self.information or None,
            "first_day": str(self.first),
            "last_day": str(self.last),
        }

    @property
    def named(self) -> list[str]:
        """The sending hosts with the most of these sessions."""
        return nsmallest(_MOST_HOSTS, self.sending, key=lambda each: (-self.sending[each], each))


@dataclass(slots=True)
class Total:
    """What one sender says of one policy."""

    sender: Sender
    organization: str
    type: str
    domain: str
    mode: str
    first: date
    last: date
    succeeded: int = 0
    failed: int = 0
    reports: int = 0
    reasons: list[Reason] = field(default_factory=list)
    other_reasons: int = 0  # sessions with reasons that are not listed

    def to_json(self) -> dict[str, object]:
        return {
            "sender": self.sender.domain or None,
            "organization": self.organization or None,
            "authentic": self.sender.is_proven,
            "policy": self.type or None,
            "policy_domain": self.domain or None,
            "mode": self.mode or None,
            "reports": self.reports,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "failures": [each.to_json() for each in self.reasons],
            "other_failures": self.other_reasons,
            "first_day": str(self.first),
            "last_day": str(self.last),
        }


@dataclass(frozen=True, slots=True)
class Totals:
    """The lines, those with the most failures first, and how many are left out because there are too many.

    A report that nobody vouches for is in `unproven`, never in `proven`.
    """

    proven: tuple[Total, ...]
    unproven: tuple[Total, ...]
    left_out: int
    left_out_unproven: int


def total(gathered: Gathered) -> Totals:
    """Sum up the reports of a mailbox."""
    proven = _lines(one for one in gathered.reports if one.sender.is_proven)
    unproven = _lines(one for one in gathered.reports if not one.sender.is_proven)
    kept, kept_unproven = tuple(_fair(proven)[:MOST_PROVEN]), tuple(_fair(unproven)[:MOST_UNPROVEN])
    return Totals(kept, kept_unproven, len(proven) - len(kept), len(unproven) - len(kept_unproven))


def _fair(lines: Iterable[Total]) -> list[Total]:
    """The lines without those of a sender that has too many."""
    count: Counter[str] = Counter()
    kept = []
    for line in lines:
        count[line.sender.domain] += 1
        if count[line.sender.domain] <= MOST_OF_A_SENDER or not line.sender.domain:
            kept.append(line)
    return kept


def _lines(reports: Iterable[Received]) -> list[Total]:
    lines: dict[tuple[object, ...], Total] = {}
    reasons: dict[tuple[object, ...], dict[tuple[str, ...], Reason]] = {}
    for one in reports:
        seen: set[tuple[object, ...]] = set()
        for policy in one.report.policies:
            # A sender that is proven is its domain. It may call itself by several names.
            name = "" if one.sender.is_proven else one.report.organization
            key = (one.sender, name, policy.type, policy.domain, policy.mode)
            line = lines.get(key)
            if line is None:
                line = lines[key] = Total(
                    one.sender,
                    one.report.organization,
                    policy.type,
                    policy.domain,
                    policy.mode,
                    one.first,
                    one.last,
                )
            line.first, line.last = min(line.first, one.first), max(line.last, one.last)
            line.reports += key not in seen
            seen.add(key)
            line.succeeded += policy.succeeded
            line.failed += policy.failed
            _add_reasons(reasons.setdefault(key, {}), policy, one)
    for of, line in lines.items():
        found = sorted(reasons[of].values(), key=lambda each: (-each.count, each.type, each.host))
        line.reasons, rest = found[:MOST_REASONS], found[MOST_REASONS:]
        line.other_reasons = sum(each.count for each in rest)
    return sorted(lines.values(), key=_order)


def _add_reasons(found: dict[tuple[str, ...], Reason], policy: Policy, one: Received) -> None:
    failures = policy.failures
    if policy.failed and not failures:
        failures = (Failure("", policy.failed),)  # The sender did not say why.
    for each in failures:
        key = (each.type, each.host, each.address, each.code)
        reason = found.get(key)
        if reason is None:
            reason = found[key] = Reason(*key, 0, one.first, one.last)
        reason.count += each.count
        reason.first, reason.last = min(reason.first, one.first), max(reason.last, one.last)
        reason.information = reason.information or each.information
        if each.sending:
            reason.sending[each.sending] = reason.sending.get(each.sending, 0) + each.count


def _order(line: Total) -> tuple[object, ...]:
    return (
        -line.failed,
        line.sender.domain or line.organization,
        line.type,
        line.domain,
        line.mode,
        line.organization,
    )
