"""A domain of the inventory: what is accepted, and what is reported."""

from __future__ import annotations

from typing import Any

import pytest

from dns.inventory import Domain, InventoryError, from_hosts
from tests.dns.inventory.good import GOOD_DOMAIN, GOOD_HOST, named, problems


def test_tls_reports_and_caa_are_read_as_uris_and_names() -> None:
    domain = {**GOOD_DOMAIN, "tls_reports": ["tls@x.org", "https://x.org/r"], "caa": "LetsEncrypt.org"}
    (read,) = from_hosts([("mx1.example.com", {"domains": {"example.com": domain}})]).domains
    assert read.tls_reports == ("mailto:tls@x.org", "https://x.org/r")
    assert (read.caa, read.caa_at_hosts) == (("letsencrypt.org",), False)


@pytest.mark.parametrize("value", [True, False, None])
def test_caa_may_be_left_to_the_hosts(value: bool | None) -> None:
    found = read_domain(caa=value)
    assert (found.caa, found.caa_at_hosts) == ((), value is True)


def read_domain(name: str = "example.com", **keys: Any) -> Domain:
    (found,) = from_hosts([("mx1.example.com", {"domains": {name: {**GOOD_DOMAIN, **keys}}})]).domains
    return found


def test_tls_reports_true_makes_the_address_and_its_mailbox() -> None:
    found = read_domain("Bücher.example", mailboxes=["alice"], tls_reports=True)
    assert found.tls_reports == ("mailto:tls-reports@xn--bcher-kva.example",)
    assert found.mailboxes == ("alice", "tls-reports"), "the first mailbox gets the postmaster's mail"
    assert found.keeps_tls_reports


def test_the_mailbox_of_tls_reports_is_made_once() -> None:
    found = read_domain(mailboxes=["TLS-Reports", "alice"], tls_reports=True)
    assert found.mailboxes == ("tls-reports", "alice")


@pytest.mark.parametrize("given", [None, False, [], "tls@example.org", ["alice@example.com"]])
def test_a_domain_that_sends_its_tls_reports_elsewhere_gets_no_mailbox_for_them(given: Any) -> None:
    found = read_domain(mailboxes=["alice"], tls_reports=given)
    assert found.mailboxes == ("alice",)
    assert not found.keeps_tls_reports


def test_a_mailbox_for_tls_reports_is_no_mailbox_for_the_postmaster() -> None:
    (line,) = problems(domains={"example.com": {"tls_reports": True}})
    assert "has no mailbox" in line


@pytest.mark.parametrize(("keys", "read"), [({}, False), ({"dane": False}, False), ({"dane": True}, True)])
def test_dane_is_off_unless_it_is_asked_for(keys: dict[str, Any], read: bool) -> None:
    domain = {**GOOD_DOMAIN, **keys}
    (found,) = from_hosts([("mx1.example.com", {"domains": {"example.com": domain}})]).domains
    assert found.dane is read


def test_forged_mail_is_taken_unless_it_is_asked_to_be_rejected() -> None:
    for given, expected in (({}, False), ({"reject_forged": True}, True)):
        domain = {**GOOD_DOMAIN, **given}
        (found,) = from_hosts([("mx1.example.com", {"domains": {"example.com": domain}})]).domains
        assert found.reject_forged is expected


@pytest.mark.parametrize("mode", ["", "testing", "enforce", "none"])
def test_a_policy_is_left_alone_unless_it_is_asked_for(mode: str) -> None:
    domain = {**GOOD_DOMAIN, **({"mta_sts": mode} if mode else {})}
    (found,) = from_hosts([("mx1.example.com", {"domains": {"example.com": domain}})]).domains
    assert found.mta_sts == mode


def test_an_idn_is_brought_to_a_labels() -> None:
    inventory = from_hosts([("mx.bücher.example", {"domains": {"Bücher.example": GOOD_DOMAIN}})])
    assert inventory.hosts[0].hostname == "mx.xn--bcher-kva.example"
    assert inventory.domains[0].name == "xn--bcher-kva.example"
    assert inventory.domain("bücher.example").name == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ({"mailboxes": ["alice", "a b"]}, "mailbox 'a b' is not a mailbox name"),
        ({"tls_reports": "nonsense"}, "tls_reports 'nonsense' is neither an e-mail address nor"),
        ({"tls_reports": ["a@b.org, c@d.org"]}, "is neither an e-mail address nor"),
        ({"tls_reports": 1}, "tls_reports must be True, or an address such as"),
        (
            {"tls_reports": True, "aliases": {"tls-reports": ["alice"]}},
            'take the alias out, or write "tls_reports": "tls-reports@example.com"',
        ),
        ({"caa": ["let's encrypt"]}, "name the authority as in letsencrypt.org"),
        ({"caa": {"issue": "x.org"}}, "caa must be True, or a list"),
        ({"caa": 1}, "caa must be True, or a list"),
        ({"mailboxes": ["alice", "../x"]}, "mailbox '../x' is not a mailbox name"),
        ({"mailboxes": ["alice", "bob@example.com"]}, "holds an @"),
        ({"mailboxes": ["alice", "Alice"]}, "mailbox 'Alice' is named twice"),
        ({"mailboxes": "alice", "aliases": {"postmaster": ["x@example.org"]}}, "mailboxes must be a list"),
        ({"mailboxes": ["alice", 7]}, "mailbox 7 is not a mailbox name"),
        (
            {"aliases": {"info": ["carol"]}},
            "alias info: its target carol@example.com is neither a mailbox nor an alias",
        ),
        ({"aliases": {"info": ["x@example.org"]}}, "its target x@example.org is neither a mailbox"),
        (
            {"aliases": {"a": ["b"], "b": ["a"]}},
            "alias a: leads back to itself (a@example.com -> b@example.com",
        ),
        ({"aliases": {"a": []}}, "alias a must lead to a list"),
        ({"aliases": {"alice": ["bob"]}}, "alias alice is a mailbox too"),
        ({"catch_all": "carol"}, "catch_all 'carol' is not one of its mailboxes"),
        ({"catchall": "alice"}, "unknown key catchall (did you mean catch_all?)"),
        ({"sends_mail": "no"}, "sends_mail must be True or False"),
        ({"dane": "yes"}, "dane must be True or False, or left out, not 'yes'"),
        ({"dane": 1}, "dane must be True or False, or left out, not 1"),
        ({"reject_forged": "yes"}, "reject_forged must be True or False, or left out, not 'yes'"),
        ({"reject_forge": True}, "unknown key reject_forge (did you mean reject_forged?)"),
        ({"mta_sts": "strict"}, 'mta_sts must be "testing" or "enforce" or "none", or left out, not'),
        ({"mta_sts": True}, "or left out, not True"),
        ({"Dane": True}, "unknown key Dane (did you mean dane?)"),
        ({"ttl": 59}, "ttl must be 1 (automatic) or 60 to 86400 seconds, not 59"),
        ({"ttl": 86401}, "ttl must be 1"),
        ({"subaddress_separators": "@"}, "subaddress_separators must be a string"),
    ],
)
def test_a_wrong_domain_is_reported(domain: dict[str, Any], said: str) -> None:
    lines = problems(domain=domain)
    assert any(said in line for line in lines), lines
    assert all(line.startswith("inventory: domain example.com: ") for line in lines)


@pytest.mark.parametrize(
    ("domains", "said"),
    [
        ({}, 'no domain: add "domains"'),
        (["example.com"], "domains must be a dict"),
        ({"example": GOOD_DOMAIN}, "domain example: has only one label"),
        ({"exa mple.com": GOOD_DOMAIN}, "is not a domain name"),
        ({"example.com": []}, "must be a dict"),
        ({"example.com": {}}, "has no mailbox"),
        ({"example.com": GOOD_DOMAIN, "EXAMPLE.com": GOOD_DOMAIN}, "is named twice"),
    ],
)
def test_wrong_domains_are_reported_in_one_line(domains: Any, said: str) -> None:
    (line,) = problems(domains=domains)
    assert said in line


@pytest.mark.parametrize(
    ("characters", "keys", "most"),
    [
        (247, {"sends_mail": False}, "with _dmarc. before it more than 253: it may have at most 246"),
        (243, {"tls_reports": True}, "it may have at most 242"),
        (
            243,
            {"tls_reports": "tls@example.org"},
            "with _smtp._tls. before it more than 253: it may have at most 242",
        ),
        (253, {"sends_mail": False}, "at most 246"),
    ],
)
def test_a_domain_too_long_for_what_is_published_below_it_is_refused_with_the_limit(
    characters: int, keys: dict[str, Any], most: str
) -> None:
    (line,) = problems(domains={named(characters): {**GOOD_DOMAIN, **keys}})
    assert f"has {characters} characters" in line
    assert most in line


@pytest.mark.parametrize(
    ("characters", "keys"),
    [
        (246, {"sends_mail": False}),
        (242, {"tls_reports": "tls@example.org"}),
        (253, {"sends_mail": True}),
        (253, {}),
    ],
)
def test_a_domain_of_the_greatest_length_passes(characters: int, keys: dict[str, Any]) -> None:
    assert problems(domains={named(characters): {**GOOD_DOMAIN, **keys}}) == []


def test_every_problem_is_reported_at_once() -> None:
    lines = problems(
        host={"public_ipv4": "10.0.0.1", "mx_preference": -1}, domain={"ttl": 5, "catch_all": "nobody"}
    )
    assert len(lines) == 4


def test_an_alias_may_lead_to_another_served_domain() -> None:
    domains = {"example.com": GOOD_DOMAIN, "example.org": {"aliases": {"postmaster": ["alice@Example.com"]}}}
    assert problems(domains=domains) == []


def test_an_unknown_domain_is_reported_with_the_nearest_known() -> None:
    inventory = from_hosts([("mx1.example.com", {**GOOD_HOST, "domains": {"example.com": GOOD_DOMAIN}})])
    with pytest.raises(InventoryError, match=r"did you mean example\.com\?"):
        inventory.domain("exmaple.com")
