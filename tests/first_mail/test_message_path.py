"""Findings of the DNS as links of a message's path, by their codes and types, never by their words."""

from __future__ import annotations

import pytest

from dns.check.findings import Finding, advised, required, unknown
from dns.world.delegation import Delegation
from dns.world.expected import Expected
from dns.world.greeting import Greeting
from dns.world.seen import Seen
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


def test_what_is_unknown_breaks_no_link_and_is_said() -> None:
    links = list(message_path.in_the_dns("e.test", [unknown("ds", "e.test: no keys", "run again")], SEEN))
    assert all(link.holds for link in links)
    (zone,) = (link for link in links if link.name == "zone")
    assert zone.evidence == "cannot be told: e.test: no keys (run again)"


def test_a_network_that_bars_outgoing_mail_is_not_blamed_on_the_provider() -> None:
    gone = {"192.0.2.1": Greeting(failure="timeout")}
    barred = message_path.arrival(gone, {4: 0, 6: 0}, frozenset(), "this machine")
    assert barred.holds
    assert "--from" in barred.evidence
    assert not message_path.arrival(gone, {4: 0, 6: 0}, frozenset({4}), "this machine").holds
    assert message_path.arrival(gone, {4: 3, 6: 0}, frozenset({4}), "this machine").holds


@pytest.mark.parametrize(
    "greeting",
    [
        Greeting(code=220, text="mail.other.test ESMTP"),
        Greeting(code=554, text="mx1.example.test no"),
        Greeting(failure="refused"),
        Greeting(failure="silent"),
        Greeting(code=220, text="mx1.example.test", tls="connection reset"),
    ],
)
def test_another_machine_at_the_address_is_not_taken_for_ours(greeting: Greeting) -> None:
    link = message_path.from_outside({"192.0.2.1": greeting}, "mx1.example.test", "this machine")
    assert not link.holds
    assert "192.0.2.1" in link.evidence
