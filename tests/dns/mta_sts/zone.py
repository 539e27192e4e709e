"""A zone, what is known outside of it, and what is decided about the policy: in short words, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dns.mta_sts.decision import decide
from dns.mta_sts.policy import Policy, Served, record
from dns.mta_sts.values import AGES, Asked, Known, PolicyPlan
from dns.records import Record, ZoneRecord

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
DOMAIN, MX1, MX2 = "example.com", "mx1.example.com", "mx2.example.com"
MARK = "letterbox example.com"
LONG_AGO = NOW - timedelta(days=1)


def policy(mode: str, *hosts: str) -> Policy:
    return Policy(mode, tuple(sorted(hosts)), AGES[mode])


def served(one: Policy) -> Served:
    return Served(one, one.text)


UNKNOWN = Served(failure="no whole answer came in time")


def mx(*hosts: str, ttl: int = 300) -> list[ZoneRecord]:
    return [ZoneRecord(f"mx-{host}", Record("MX", DOMAIN, host, 10, ttl, comment=MARK)) for host in hosts]


def txt(one: Policy, comment: str = MARK, since: datetime = LONG_AGO) -> list[ZoneRecord]:
    text = Record("TXT", f"_mta-sts.{DOMAIN}", record(one.id), ttl=60, comment=comment)
    return [ZoneRecord("txt", text, modified=since.isoformat())]


def old_name(host: str, until: str) -> list[ZoneRecord]:
    text = Record("A", host, "192.0.2.1", comment=f"letterbox until {until} {DOMAIN}")
    return [ZoneRecord(f"a-{host}", text)]


def decided(
    mode: str,
    found: list[ZoneRecord],
    by_senders: Served,
    *,
    hosts: tuple[str, ...] = (MX1,),
    refused: dict[str, str] | None = None,
    known: dict[str, Any] | None = None,
    **asked: Any,
) -> PolicyPlan:
    """What is decided. Senders accept the certificates of all hosts, unless `refused` says why not.

    Cloudflare has what it serves.
    """
    certificates = dict.fromkeys(hosts, "") if refused is None else refused
    facts = Known(served=by_senders, certificates=certificates, uploaded=by_senders.text.__eq__)
    facts = replace(facts, **(known or {}))
    return decide(Asked(DOMAIN, mode, hosts, **asked), found, facts, NOW)
