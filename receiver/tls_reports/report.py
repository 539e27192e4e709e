"""A report as values (RFC 8460 section 4). Pure.

Senders leave keys out, write null, and put texts where numbers belong. Every key is optional here. What is
missing or wrong makes a report incomplete; it does not make it unreadable.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from receiver.tls_reports import values
from receiver.tls_reports.values import NotReadable, count, mapping, moment, sequence, text

_MOST_POLICIES = 500  # of one report
_MOST_FAILURES = 1000  # of one policy
_MOST_LINES = 200  # of the text of a policy
_SUCCEEDED, _FAILED = "total-successful-session-count", "total-failure-session-count"
_KEYS = {"organization-name", "date-range", "contact-info", "report-id", "policies"}
_MODE = re.compile(r"[ \t]*mode[ \t]*:[ \t]*(enforce|testing|none)[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """Sessions that failed for one reason (section 4.3). A text is empty if the sender did not say it."""

    type: str  # such as certificate-expired
    count: int
    sending: str = ""  # the address of the sender's host
    host: str = ""  # the name of the receiving host
    address: str = ""  # its address
    code: str = ""  # failure-reason-code
    information: str = ""  # additional-information


@dataclass(frozen=True, slots=True)
class Policy:
    """What became of the sessions under one policy."""

    type: str  # sts, tlsa, no-policy-found, or what else the sender wrote
    domain: str  # the domain of an MTA-STS policy; for DANE a mail host
    mode: str  # of an MTA-STS policy: enforce, testing or none; empty if the sender did not say it
    succeeded: int
    failed: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report. All texts are on one line and safe for a terminal."""

    organization: str
    contact: str
    identity: str  # report-id
    key: str  # equal for two copies of a report
    first: date | None  # the days in UTC that it is about; None if the sender did not say it
    last: date | None
    policies: tuple[Policy, ...]
    is_complete: bool


def parse(octets: bytes) -> Report:
    """Parse the JSON of a report. Raises NotReadable."""
    found = mapping(values.parse(octets))
    if not _KEYS & found.keys():
        raise NotReadable("it is JSON, but not a TLS report")
    span = mapping(found.get("date-range"))
    start, end = moment(span.get("start-datetime")), moment(span.get("end-datetime"))
    start = start or end
    end = max(start, (end or start) - timedelta(seconds=1)) if start else None
    given = sequence(found.get("policies"))
    policies = [mapping(each) for each in given[:_MOST_POLICIES] if isinstance(each, dict)]
    return Report(
        organization=text(found.get("organization-name"), 100),
        contact=text(found.get("contact-info"), 254),
        identity=text(found.get("report-id")),
        key=_key(found, octets),
        first=start.date() if start else None,
        last=end.date() if end else None,
        policies=tuple(map(_policy, policies)),
        is_complete=bool(start and policies)
        and len(policies) == len(given)
        and all(map(_is_complete, policies)),
    )


def _key(found: Mapping[str, object], octets: bytes) -> str:
    """A digest that two copies of a report share. Some senders use an identity again for another day."""
    named = found.get("report-id")
    if isinstance(named, str) and named.strip():
        octets = json.dumps([named, found.get("date-range")], sort_keys=True).encode()
    return hashlib.sha256(octets).hexdigest()


def _is_complete(entry: Mapping[str, object]) -> bool:
    summary, details = mapping(entry.get("summary")), sequence(entry.get("failure-details"))
    return (
        bool(text(mapping(entry.get("policy")).get("policy-type")))
        and None not in (count(summary.get(_SUCCEEDED)), count(summary.get(_FAILED)))
        and len(details) <= _MOST_FAILURES
        and all(count(mapping(each).get("failed-session-count")) is not None for each in details)
    )


def _policy(entry: Mapping[str, object]) -> Policy:
    policy, summary = mapping(entry.get("policy")), mapping(entry.get("summary"))
    details = sequence(entry.get("failure-details"))[:_MOST_FAILURES]
    failures = tuple(_failure(each) for each in details if isinstance(each, dict))
    kind = text(policy.get("policy-type"), 40).lower()
    # A session may fail for several reasons, so the sum of the reasons counts only if there is no total.
    return Policy(
        type=kind,
        domain=text(policy.get("policy-domain"), 253).lower().removesuffix("."),
        mode=_mode(policy.get("policy-string")) if kind == "sts" else "",
        succeeded=count(summary.get(_SUCCEEDED)) or 0,
        failed=count(summary.get(_FAILED)) or sum(each.count for each in failures),
        failures=tuple(each for each in failures if each.count),
    )


def _failure(entry: Mapping[str, object]) -> Failure:
    sessions = count(entry.get("failed-session-count"))
    return Failure(
        type=text(entry.get("result-type"), 60).lower(),
        count=1 if sessions is None else sessions,
        sending=text(entry.get("sending-mta-ip"), 60),
        host=(text(entry.get("receiving-mx-hostname"), 253)).lower().removesuffix("."),
        address=text(entry.get("receiving-ip"), 60),
        code=text(entry.get("failure-reason-code"), 120),
        information=text(entry.get("additional-information"), 200),
    )


def _mode(given: object) -> str:
    """The mode of an MTA-STS policy, whose text is an array of lines, one text, or JSON inside a text."""
    for line in _lines(given):
        if found := _MODE.fullmatch(line):
            return found[1].lower()
    return ""


def _lines(given: object) -> Sequence[str]:
    found: list[str] = []
    for each in sequence(given)[:_MOST_LINES]:
        if isinstance(each, str):
            found += re.split(r"\r?\n|\\r\\n|\\n", each[:10_000])[:_MOST_LINES]
    return found
