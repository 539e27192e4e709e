"""Examining a domain: looking at it from outside, judging what was seen, and looking again if asked to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dns.check.findings import Finding, Group
from dns.inventory import Domain, Inventory
from dns.inventory.host_addresses import Addresses
from dns.inventory.host_keys import HostKeys
from dns.inventory.host_reports import HostReports

if TYPE_CHECKING:
    from dns.world.nameservers import Located
    from dns.world.progress import OnProgress
    from dns.world.seen import Seen
    from dns.world.vantage import VantagePoint

LONGEST_PAUSE = 5.0


def is_pending(finding: Finding) -> bool:
    """Whether waiting may help: something that is required does not hold, or a resolver has old answers."""
    return finding.group is Group.REQUIRED or finding.code == "stale"


def examine(
    inventory: Inventory,
    domain: Domain,
    own: Mapping[str, Addresses],
    *,
    resolver: str | None = None,
    nameservers: tuple[str, ...] = (),
    located: Located | None = None,
    seconds: float = 0.0,
    unread: tuple[str, ...] = (),
    keys: Mapping[str, HostKeys] = {},
    tls_reports: Mapping[str, HostReports] = {},
    wait_for: Callable[[Finding], bool] = is_pending,
    on_progress: OnProgress | None = None,
    vantage: VantagePoint | None = None,
) -> tuple[Seen, list[Finding]]:
    """Look at the domain from outside. Returns what was seen, and what is wrong with it.

    It looks again as long as there is a finding to `wait_for`, for `seconds` at most. `own` holds the
    addresses that were read from hosts, and `unread` the reason for each host that could not be read.
    `nameservers` are those that Cloudflare gave the zone, and `located` is where they are, as far as the
    caller knows it. `keys` is what the hosts answered about their keys, and `tls_reports` what senders report
    to them. `resolver` is as for `dns.sync`. A
    `vantage` takes its place.
    """
    from dns.check import (
        judge_caa,
        judge_dane,
        judge_mail,
        judge_mta_sts,
        judge_reports,
        judge_zone,
    )  # late: these import dnspython
    from dns.check.zone_parts.old_answers import OldAnswers
    from dns.world.look import look
    from dns.world.progress import ignore
    from dns.world.vantage import vantage_with

    place = vantage or vantage_with(resolver)
    ends = time.monotonic() + seconds
    pause = 0.5
    old_answers = OldAnswers()
    while True:
        seen = look(
            inventory,
            domain,
            own,
            place,
            nameservers=nameservers,
            located=located,
            keys=keys,
            on_progress=on_progress or ignore,
        )
        expired = old_answers.expired(seen, time.monotonic())
        seen = replace(seen, unread=unread, expired=expired, tls_reports=tls_reports)
        judges = (judge_zone.judge, judge_mail.judge, judge_dane.judge, judge_caa.judge, judge_mta_sts.judge)
        findings = [finding for judge in judges for finding in judge(seen)]
        findings += judge_reports.judge(seen, datetime.now(UTC).date())
        if not any(wait_for(finding) for finding in findings) or time.monotonic() + pause > ends:
            return seen, findings
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
