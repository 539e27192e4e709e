"""When a host may go to its next key, although a domain has a policy that senders keep."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dns.inventory import Domain
from dns.mta_sts.policy import Policy, Served
from provision.tls.enforced import Standing, why_not_yet

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOST = "mx1.example.com"


def domain(mode: str = "enforce") -> Domain:
    return Domain("example.com", (), {}, None, None, "", 1, mta_sts=mode)


def served(mode: str, *mx: str) -> Served:
    return Served(Policy(mode, mx or (HOST,), 86400))


ALLOWED = {
    "no policy is served": Standing(domain(""), Served(absent=True)),
    "it is tested": Standing(domain("testing"), served("testing")),
    "it was changed long ago": Standing(domain("testing"), served("testing"), NOW - timedelta(seconds=240)),
    "another host is enforced": Standing(domain(), served("enforce", "mx2.example.com")),
    "its TXT record tells of it": Standing(
        domain("testing"), served("testing"), announced=Policy("testing", (HOST,), 86400).id
    ),
    "nothing is asked for and nobody answers": Standing(domain(""), Served(failure="no answer")),
}
REFUSED = {
    "it is enforced": (Standing(domain(), served("enforce")), "is enforced"),
    "it is enforced by a wildcard": (Standing(domain(), served("enforce", "*.example.com")), "is enforced"),
    "it is enforced and the inventory no longer asks for it": (
        Standing(domain(""), served("enforce")),
        "is enforced",
    ),
    "it was changed a moment ago": (
        Standing(domain("testing"), served("testing"), NOW - timedelta(seconds=239)),
        "after 2026-11-26 12:01 UTC",
    ),
    "the TXT record tells of an older one": (
        Standing(domain("testing"), served("testing"), announced=Policy("enforce", (HOST,), 604800).id),
        "another MTA-STS policy",
    ),
    "the TXT record tells of one that is not served": (
        Standing(domain("none"), Served(absent=True), announced="a1"),
        "another MTA-STS policy",
    ),
    "the inventory no longer asks for it, and it cannot be fetched": (
        Standing(domain(""), Served(failure="no answer"), announced="a1"),
        "(no answer)",
    ),
    "it cannot be fetched": (Standing(domain("testing"), Served(failure="no answer")), "(no answer)"),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_the_next_key_may_be_used_if(case: str) -> None:
    assert why_not_yet(HOST, [ALLOWED[case]], NOW) == ""


@pytest.mark.parametrize("case", REFUSED)
def test_the_next_key_must_wait_if(case: str) -> None:
    standing, said = REFUSED[case]
    assert said in why_not_yet(HOST, [ALLOWED["it is tested"], standing], NOW)
