"""Which CAA is published at the name of each mail host, by what is known of its account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.caa.decision import Caa, decide, hosts_to_ask
from dns.inventory import Domain, Inventory, MailHost
from dns.inventory.host_certificate import WantedCertificate
from dns.inventory.host_keys import HostKeys
from dns.records import Record

ACCOUNT = "https://acme-v02.api.letsencrypt.org/acme/acct/1"
KNOWN = HostKeys(account=ACCOUNT, identities=("letsencrypt.org", "other.test"))
HOST = MailHost("one", "mx1.e.test", None, None, certificate=WantedCertificate("letsencrypt"))
DOMAIN = Domain("e.test", ("alice",), {}, None, None, "+", 1, caa_at_hosts=True)


def decided(*hosts: MailHost, zone: str = "e.test", domain: Domain = DOMAIN, **keys: HostKeys) -> Caa:
    return decide(Inventory(hosts or (HOST,), (domain,)), domain, zone, keys)


def test_the_account_of_the_certificate_is_published_at_the_name_of_the_host() -> None:
    made = decided(one=KNOWN)
    content = f'0 issue "letsencrypt.org; validationmethods=dns-01; accounturi={ACCOUNT}"'
    assert made == Caa({"mx1.e.test": content})
    assert made.records(300, "mark") == (Record("CAA", "mx1.e.test", content, ttl=300, comment="mark"),)


def test_each_of_several_hosts_has_its_own_account() -> None:
    two = replace(HOST, name="two", hostname="mx2.e.test", certificate=WantedCertificate("https://ca.test/d"))
    made = decided(HOST, two, one=KNOWN, two=HostKeys(account="https://ca.test/7", identities=("ca.test",)))
    assert set(made.contents) == {"mx1.e.test", "mx2.e.test"}
    assert (
        'issue "ca.test; ' in made.contents["mx2.e.test"]
        and "accounturi=https://ca.test/7" in made.contents["mx2.e.test"]
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "because its account was not asked for"),
        (
            {"one": HostKeys(unread="it could not be asked (timeout)")},
            "because it could not be asked (timeout)",
        ),
        ({"one": HostKeys("current")}, "because the account at the authority is not known"),
        ({"one": HostKeys(account="https://ca.test/1")}, "does not say which name it has in CAA records"),
        (
            {"one": HostKeys(account="https://ca.test/1", identities=("ca.test",))},
            "because its account is still one of ca.test",
        ),
    ],
)
def test_what_is_not_known_leaves_ours_as_it_is(keys: dict[str, HostKeys], said: str) -> None:
    made = decided(**keys)
    assert (made.contents, made.untouched) == ({}, {"mx1.e.test"})
    (note,) = made.notes
    assert (
        note.startswith("mx1.e.test: no CAA is published, and ours stays as it is, because ") and said in note
    )


@pytest.mark.parametrize(
    ("host", "zone", "said"),
    [
        (replace(HOST, certificate=None), "e.test", "has a self-signed certificate"),
        (HOST, "mx1.e.test", "is the name of the zone"),
        (replace(HOST, hostname="mx.other.test"), "e.test", "is outside the zone e.test"),
    ],
)
def test_a_host_that_gets_no_record_of_ours_is_named_with_the_reason(
    host: MailHost, zone: str, said: str
) -> None:
    domain = DOMAIN if zone == "e.test" else replace(DOMAIN, name=zone)
    made = decided(host, zone=zone, domain=domain, one=KNOWN)
    assert (made.contents, made.untouched) == ({}, frozenset())
    (note,) = made.notes
    assert said in note


def test_nothing_is_asked_or_published_for_a_domain_that_does_not_want_it() -> None:
    plain = replace(DOMAIN, caa_at_hosts=False)
    assert decided(domain=plain, one=KNOWN) == Caa()
    assert hosts_to_ask(Inventory((HOST,), (plain,)), "e.test") == ()


def test_the_record_belongs_to_all_domains_of_the_zone() -> None:
    """The one that does not ask for it would delete it otherwise."""
    plain = replace(DOMAIN, name="sub.e.test", caa_at_hosts=False)
    inventory = Inventory((HOST,), (DOMAIN, plain))
    assert decide(inventory, plain, "e.test", {"one": KNOWN}).contents
    assert not decide(inventory, plain, "sub.e.test", {"one": KNOWN}).contents


def test_a_staging_account_is_one_of_the_same_authority() -> None:
    staging = "https://acme-staging-v02.api.letsencrypt.org/acme/acct/9"
    host = replace(HOST, certificate=WantedCertificate("letsencrypt-staging"))
    assert decided(host, one=HostKeys(account=staging, identities=("letsencrypt.org",))).contents
