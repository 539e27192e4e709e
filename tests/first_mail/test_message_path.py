"""Findings of the DNS as links of a message's path, by their codes and types, never by their words."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import tlsa
from dns.check.findings import Finding, advised, required, unknown
from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.expected import Expected
from dns.world.greeting import Failure, Greeting
from dns.world.seen import HostSeen, Seen
from dns.world.signed import Signed
from first_mail import message_path
from receiver.doctor.links import Link

SEEN = Seen(
    "e.test",
    "e.test",
    Delegation("e.test", "test", ("ns.test",)),
    (Expected("e.test", "MX", frozenset()),),
    (),
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    made = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9")
    names = ("-subj", "/CN=mx.e.test", "-keyout", str(path.with_suffix(".key")), "-out", str(path))
    subprocess.run(["openssl", "req", *made, *names], check=True, capture_output=True)
    return path


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
    links = message_path.in_the_dns("e.test", [finding], SEEN)
    broken = [each.name for each in links if each.is_broken]
    assert broken == ([link] if link else [])


@pytest.mark.parametrize(
    ("finding", "name"),
    [
        (unknown("ds", "no keys", "run again"), "zone"),
        (unknown("delegation", "no answer", "run again"), "delegation"),
        (unknown("address", "no answer", "run again", "mx.e.test", "A"), "address"),
        (unknown("addresses", "the host cannot be read", "let ssh reach it"), "address"),
    ],
)
def test_what_is_unknown_is_neither_broken_nor_whole(finding: Finding, name: str) -> None:
    links = list(message_path.in_the_dns("e.test", [finding], SEEN))
    assert not any(link.is_broken for link in links)
    (link,) = (link for link in links if link.name == name)
    assert (link.holds, link.evidence, link.look) == (None, finding.problem, finding.fix)


def test_nothing_holds_that_nobody_has_answered() -> None:
    """No finding is not enough: with no network there may be no question that could have failed."""
    nothing = replace(SEEN, delegation=None, lost="no route")
    assert [link.holds for link in message_path.in_the_dns("e.test", [], nothing)] == [None] * 5


def test_addresses_that_are_not_known_do_not_hold() -> None:
    there = Answer("NOERROR", frozenset({"192.0.2.1"}))
    host = HostSeen("mx.e.test", there, Answer("NOERROR"), None, None)
    (link,) = (
        each
        for each in message_path.in_the_dns("e.test", [], replace(SEEN, hosts=(host,)))
        if each.name == "address"
    )
    assert (link.holds, "public_ipv4" in link.look) == (None, True)


def test_a_network_that_bars_outgoing_mail_is_not_blamed_on_the_provider() -> None:
    gone = {"192.0.2.1": Greeting(failure="timeout")}
    barred = message_path.arrival(gone, {4: 0, 6: 0}, frozenset(), "this machine")
    assert barred.holds is None
    assert "--from" in barred.look
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
    link = message_path.from_outside({"192.0.2.1": greeting}, {4: 0}, "mx1.example.test", "this machine")
    assert link.is_broken
    assert "192.0.2.1" in link.evidence
    assert "nft" not in link.fix


@pytest.mark.parametrize("failure", ["timeout", "unreachable", "refused"])
def test_what_is_refused_and_yet_counted_is_refused_by_the_host(failure: Failure) -> None:
    greetings = {"192.0.2.1": Greeting(failure=failure)}
    link = message_path.past_the_filter(greetings, {4: 3, 6: 0}, "this machine")
    assert (link.name, link.is_broken, "nft list ruleset" in link.fix) == ("packet filter", True, True)


def test_a_refusal_is_no_rule_where_nothing_listens() -> None:
    refused = {"192.0.2.1": Greeting(failure="refused")}
    assert message_path.past_the_filter(refused, {4: 3, 6: 0}, "this machine", listens=False).holds


def test_a_connection_that_the_host_hands_on_is_not_blamed_on_another_machine() -> None:
    other = {"192.0.2.1": Greeting(code=220, text="other.test ESMTP")}
    link = message_path.from_outside(other, {4: 3, 6: 0}, "mx1.example.test", "this machine")
    assert (link.is_broken, "dnat" in link.fix) == (True, True)


@pytest.mark.parametrize("failure", ["timeout", "no route"])
def test_an_address_that_was_not_seen_holds_in_no_link(failure: Failure) -> None:
    greetings = {"192.0.2.1": Greeting(code=220, text="mx"), "2001:db8::1": Greeting(failure=failure)}
    none = {4: 0, 6: 0}
    assert message_path.arrival(greetings, none, frozenset(), "here").holds is None
    assert message_path.past_the_filter(greetings, none, "here").holds is None
    assert message_path.from_outside(greetings, none, "mx", "here").holds is None


class TestDane:
    """The link of a domain that asks for DANE."""

    SECURE = Signed("e.test", True)

    def link(self, served: Greeting | None, *said: Answer, signed: Signed | None = SECURE) -> Link:
        host = HostSeen("mx.e.test", Answer(), Answer(), None, None, tlsa=said, signed=signed, dane=True)
        greetings = {"192.0.2.1": served or Greeting("timeout")}
        return message_path.dane(replace(SEEN, hosts=(host,), dane=True), "mx.e.test", greetings)

    def greeting(self, certificate: Path) -> tuple[Greeting, str]:
        der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
        served = base64.b64encode(der).decode()
        return Greeting(code=220, text="mx.e.test ESMTP", certificate=served), tlsa.key_digest(der)

    def answer(self, digest: str) -> Answer:
        return Answer(values=frozenset({f"3 1 1 {digest}"}))

    def test_a_published_key_holds_and_another_is_broken(self, certificate: Path) -> None:
        served, digest = self.greeting(certificate)
        assert self.link(served, self.answer(digest)).holds is True
        broken = self.link(served, self.answer("1" * 64))
        assert (broken.holds, broken.fix) == (False, "python -m dns.sync e.test")

    def test_what_was_not_seen_does_not_hold(self, certificate: Path) -> None:
        served, digest = self.greeting(certificate)
        assert self.link(None, self.answer(digest)).is_unknown
        assert self.link(served).is_unknown, "nobody was asked"
        assert self.link(served, Answer("SERVFAIL")).is_unknown
        assert self.link(served, self.answer(digest), signed=None).is_unknown
        assert self.link(served, self.answer(digest), signed=Signed("e.test", None, "is silent")).is_unknown

    def test_without_records_that_count_mail_arrives_all_the_same(self, certificate: Path) -> None:
        served, _ = self.greeting(certificate)
        assert self.link(served, Answer("NXDOMAIN")).holds
        unsigned = self.link(served, self.answer("1" * 64), signed=Signed("e.test", False, "has no DS"))
        assert unsigned.holds
        assert unsigned.evidence == "senders take any key of mx.e.test, because e.test has no DS"
