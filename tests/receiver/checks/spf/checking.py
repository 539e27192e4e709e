"""One check of SPF over a table of records, in one call."""

from __future__ import annotations

import asyncio
import ipaddress

from receiver.checks.results import SPF
from receiver.checks.spf import check_host
from tests.receiver.checks.zone import Entry, Zone

PEER, PEER_SIX = "192.0.2.1", "2001:db8::1"
MOST_QUESTIONS = 1 + 10 * 11 + 12


def check(
    table: dict[str, list[Entry]],
    sender: str = "alice@example.test",
    *,
    ip: str = PEER,
    helo: str = "mx.example.test",
    explain: bool = False,
) -> SPF:
    """Check a sender against a table. The null sender is checked by HELO."""
    return check_in(Zone(table), sender, ip=ip, helo=helo, explain=explain)


def check_in(
    zone: Zone, sender: str, *, ip: str = PEER, helo: str = "mx.example.test", explain: bool = False
) -> SPF:
    """Check a sender against a zone, which then has the questions."""
    domain = sender.rpartition("@")[2] or helo
    identity = "mailfrom" if sender else "helo"
    peer = ipaddress.ip_address(ip)
    return asyncio.run(check_host(zone, peer, domain, sender, helo, "mx.our.test", identity, explain=explain))


def result(record: str | bytes, more: dict[str, list[Entry]] | None = None, ip: str = PEER) -> str:
    """The result of a policy of example.test, with more records beside it."""
    return check({"example.test": [("TXT", record)], **(more or {})}, ip=ip).result
