"""Findings of the DNS as links of a message's path: told by their codes and types, never by their words."""

from __future__ import annotations

import pytest

from dns.answers import Expected
from dns.delegation import Delegation
from dns.findings import Finding, advised, required, unknown
from dns.seen import Seen
from first_mail import message_path

SEEN = Seen(
    "e.test",
    "e.test",
    Delegation("e.test", "test", ("ns.test",)),
    (Expected("e.test", "MX", frozenset()),),
    (),
)


@pytest.mark.parametrize(
    ("finding", "link"),
    [
        (required("delegation", "p", "m"), "delegation"),
        (required("glue", "p", "m"), "delegation"),
        (required("nameserver-silent", "p", "m"), "zone"),
        (required("unsigned", "p", "m"), "zone"),
        (required("nameserver-silent", "p", "m", "e.test", "MX"), "MX"),
        (required("nameserver-silent", "p", "m", "mx.e.test", "AAAA"), "address"),
        (required("nameserver-silent", "p", "m", "e.test", "TXT"), None),
        (required("alias", "p", "m", "e.test", "MX"), "MX"),
        (required("alias", "p", "m", "mx.e.test", "A"), "address"),
        (required("shadowed", "p", "m", "mx.e.test", "A"), "address"),
        (required("missing", "p", "m", "e.test", "MX"), "MX"),
        (required("missing", "p", "m", "mx.e.test", "A"), "address"),
        (required("missing", "p", "m", "_dmarc.e.test", "TXT"), None),
        (required("proxied", "p", "m", "mx.e.test", "A"), "proxied"),
        (required("rewritten", "p", "m", "e.test", "MX"), "proxied"),
        (required("no-address", "p", "m", "mx.e.test"), "address"),
        (required("port-25", "p", "m"), None),
        (advised("ds-missing", "p", "m"), None),
    ],
)
def test_a_finding_is_about_one_link(finding: Finding, link: str | None) -> None:
    assert message_path.link_of(finding) == link
    broken = [each.name for each in message_path.in_the_dns("e.test", [finding], SEEN) if not each.holds]
    assert broken == ([link] if link else [])


def test_what_cannot_be_told_breaks_no_link_and_is_said() -> None:
    links = list(message_path.in_the_dns("e.test", [unknown("ds", "e.test: no keys", "run again")], SEEN))
    assert all(link.holds for link in links)
    (zone,) = (link for link in links if link.name == "zone")
    assert zone.evidence == "cannot be told: e.test: no keys (run again)"
