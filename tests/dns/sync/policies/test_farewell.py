"""How a policy is taken back: a farewell that stands, and everything that goes after it."""

from __future__ import annotations

import pytest

from dns.errors import SyncError
from tests.dns.sync.policies.site import MX1, NAME, Killed, Site, hosts

CHANGED, UPLOADED = "is changed", "has its MTA-STS policy uploaded"
GONE = "has no MTA-STS policy any more"


def test_none_stands_for_the_life_of_the_policy_before_and_goes_then(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    none = hosts(MX1, mta_sts="none")
    site.run(none)
    assert site.log == [UPLOADED, "pause 10", CHANGED]
    assert site.served == "none"
    assert site.txt and site.txt["comment"].startswith("letterbox until ")
    site.later(days=7)
    assert site.prepare(none).in_sync
    site.later(minutes=5)
    assert not site.prepare(none).in_sync
    site.run(none)
    assert site.log == [CHANGED, "pause 65", GONE]
    assert (site.txt, site.cloudflare.account.scripts, site.cloudflare.account.domains) == (None, {}, {})
    assert site.prepare(none).in_sync


@pytest.mark.parametrize("kill", range(3))
def test_one_that_is_cut_off_is_finished_by_the_next_run(site: Site, kill: int) -> None:
    site.run(hosts(MX1, mta_sts="testing"))
    none = hosts(MX1, mta_sts="none")
    for _ in range(2):
        site.kill = kill
        try:
            site.run(none)
        except Killed:
            site.kill = None
            site.run(none)
        site.kill = None
        site.later(days=1, minutes=5)
    assert (site.txt, site.cloudflare.account.scripts, site.cloudflare.account.domains) == (None, {}, {})
    assert site.mx == [MX1]


def test_it_can_be_taken_back(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="testing"))
    site.run(hosts(MX1, mta_sts="none"))
    site.run(hosts(MX1, mta_sts="testing"))
    assert site.served == "testing mx1.example.test"
    assert site.txt and "until" not in site.txt["comment"]


def test_a_domain_that_is_withdrawn_takes_its_policy_back(site: Site) -> None:
    inventory = hosts(MX1, mta_sts="enforce")
    site.run(inventory)
    site.withdraw(inventory)
    assert (site.mx, site.served) == ([], "none")
    assert site.txt and site.txt["comment"].startswith("letterbox until ")
    site.later(days=7, minutes=5)
    site.withdraw(inventory)
    assert (site.cloudflare.records(NAME), site.cloudflare.account.scripts) == ([], {})


def test_a_domain_whose_last_host_goes_takes_its_policy_back(site: Site) -> None:
    inventory = hosts(MX1, mta_sts="enforce")
    site.run(inventory)
    site.run(type(inventory)((), inventory.domains), forgetting=None)
    assert (site.mx, site.served) == ([], "none")


@pytest.mark.parametrize("mode", [None, "none"])
def test_forgetting_takes_everything_away_at_once(site: Site, mode: str | None) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    site.run(hosts(MX1, mta_sts=mode), forget_policy=True)
    assert site.log == [CHANGED, GONE]
    assert (site.txt, site.cloudflare.account.scripts) == (None, {})
    assert site.mx == [MX1]


def test_a_policy_that_is_wanted_cannot_be_forgotten(site: Site) -> None:
    with pytest.raises(SyncError, match='write "none" there'):
        site.run(hosts(MX1, mta_sts="enforce"), forget_policy=True)
