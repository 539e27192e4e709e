"""The CAA of a mail host in a zone at Cloudflare: published, replaced, kept, handed over, undone."""

from __future__ import annotations

from typing import Any

import pytest

from dns import sync
from dns.caa.properties import bound
from dns.cloudflare.zones import Zones
from dns.inventory import Inventory
from dns.inventory.checked import from_hosts
from dns.inventory.host_keys import HostKeys
from dns.plan import Plan
from dns.sync import undo
from tests.dns.conftest import StandIn
from tests.dns.example import DOMAIN, OURS

HOST = "mx1.example.test"
URI = "https://acme-v02.api.letsencrypt.org/acme/acct/1"
NAMES = ("letsencrypt.org",)
KNOWN = HostKeys(account=URI, identities=NAMES)
NEW = HostKeys(account=f"{URI}2", identities=NAMES)
UNREAD = HostKeys(unread="its keys could not be read over ssh (refused)")


def inventory(caa: object = True, *, certificate: object = "letsencrypt", **others: Any) -> Inventory:
    """One host, the domain example.test, and others with these data."""
    domains = {"example.test": {**DOMAIN, "caa": caa}}
    domains |= {name.replace("_", "."): {**DOMAIN, **data} for name, data in others.items()}
    return from_hosts([(HOST, {**OURS, "certificate": certificate, "domains": domains})])


def run(what: Inventory | None = None, keys: HostKeys = KNOWN, domain: str = "example.test") -> Plan:
    """A run that changes the zone. The next one changes nothing."""
    inventory_of = what or inventory()

    def prepared() -> sync.Prepared:
        return sync.prepare(inventory_of, domain, {}, keys={HOST: keys}, look_up=lambda names, cached: [])

    plan = sync.apply(prepared())
    assert prepared().in_sync
    return plan


def published(cloudflare: StandIn) -> list[tuple[str, str]]:
    """The name and value of each CAA in the zone."""
    found = [each for each in cloudflare.records("example.test") if each["type"] == "CAA"]
    assert all((each["data"]["flags"], each["data"]["tag"]) == (0, "issue") for each in found)
    return sorted((each["name"], each["data"]["value"]) for each in found)


def ours(uri: str = URI) -> tuple[str, str]:
    return HOST, f"letsencrypt.org; validationmethods=dns-01; accounturi={uri}"


def test_it_is_published_at_the_name_of_the_host_alone(cloudflare: StandIn) -> None:
    run()
    assert published(cloudflare) == [ours()]


def test_a_new_account_replaces_the_old_one_in_one_run(cloudflare: StandIn) -> None:
    run()
    plan = run(keys=NEW)
    assert (len(plan.posts), len(plan.deletes)) == (1, 1)
    assert published(cloudflare) == [ours(NEW.account)]


@pytest.mark.parametrize("keys", [UNREAD, HostKeys("current"), HostKeys(account="https://ca.test/1")])
def test_what_is_not_known_changes_nothing_and_is_said(cloudflare: StandIn, keys: HostKeys) -> None:
    plan = run(keys=keys)
    assert published(cloudflare) == []
    run()
    plan = run(keys=keys)
    assert published(cloudflare) == [ours()]
    assert any(
        f"{HOST}: no CAA is published, and ours stays as it is, because" in note for note in plan.notes
    )


@pytest.mark.parametrize(
    "after", [inventory(None), inventory(certificate=None)], ids=["no longer wanted", "self-signed"]
)
def test_it_goes_when_nothing_asks_for_it_any_more(cloudflare: StandIn, after: Inventory) -> None:
    run()
    run(after, keys=UNREAD)
    assert published(cloudflare) == []


def test_a_list_is_published_at_the_domain_as_before(cloudflare: StandIn) -> None:
    run(inventory(["letsencrypt.org"]))
    assert published(cloudflare) == [("example.test", "letsencrypt.org")]
    run(inventory(True))
    assert published(cloudflare) == [ours()]


def test_domains_of_one_zone_agree_about_it_whoever_asks(cloudflare: StandIn) -> None:
    both = inventory(True, sub_example_test={})
    for domain in ("example.test", "sub.example.test", "example.test"):
        run(both, domain=domain)
        assert published(cloudflare) == [ours()]
    run(both, keys=NEW, domain="sub.example.test")
    assert published(cloudflare) == [ours(NEW.account)]
    run(both, keys=NEW)
    assert published(cloudflare) == [ours(NEW.account)]


def test_a_domain_that_is_withdrawn_hands_it_over_or_takes_it_along(cloudflare: StandIn) -> None:
    both = inventory(True, sub_example_test={"caa": True})
    run(both)
    run(both, domain="sub.example.test")

    def withdraw(domain: str, what: Inventory) -> None:
        sync.apply(sync.prepare_withdrawal(what, domain, forgetting=None, look_up=lambda names, cached: []))

    withdraw("example.test", both)
    assert published(cloudflare) == [ours()]
    withdraw("sub.example.test", inventory(None))
    assert published(cloudflare) == []


def test_somebody_elses_record_stays_and_what_ours_makes_void_is_said(cloudflare: StandIn) -> None:
    for name, value in (("@", ";"), (HOST, "x.test")):
        data = {"flags": 0, "tag": "issue", "value": value}
        cloudflare.seed("example.test", {"type": "CAA", "name": name, "data": data})
    plan = run()
    assert published(cloudflare) == sorted([("example.test", ";"), (HOST, "x.test"), ours()])
    assert any("now letsencrypt.org may issue beside x.test" in note for note in plan.notes)


class TestUndo:
    """An undo never puts back an account that may be gone."""

    def undone(self) -> Plan:
        zones = Zones()
        zone, plan = undo.plan_undo("example.test", zones)
        return undo.apply("example.test", zone, plan, zones)

    def test_the_first_publication_is_undone(self, cloudflare: StandIn) -> None:
        run(inventory(None))
        run()
        self.undone()
        assert published(cloudflare) == []

    def test_an_old_account_is_not_put_back(self, cloudflare: StandIn) -> None:
        run()
        run(keys=NEW)
        plan = self.undone()
        assert published(cloudflare) == []
        assert any("is not put back: the next run publishes the account of the host" in n for n in plan.notes)


def test_the_form_of_the_record_is_one_that_is_read_back_as_it_was_written() -> None:
    assert bound("letsencrypt.org", URI) == f'0 issue "{ours()[1]}"'
