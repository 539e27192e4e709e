"""Runs for a domain with an MTA-STS policy: what is done in which order, and what is left to the next run."""

from __future__ import annotations

from typing import Any

import pytest

from dns.errors import ChangedBut, NotPermitted, SyncError, Unfinished
from tests.dns.sync.policies.site import MX1, MX2, NAME, SELF_SIGNED, TRUSTED, Killed, Site, hosts
from tests.lab.cloudflare import Fault
from tests.lab.cloudflare.edge import Edge, EdgeFault

CHANGED, UPLOADED = "is changed", "has its MTA-STS policy uploaded"
GONE = "has no MTA-STS policy any more"


def requests(site: Site) -> list[str]:
    """What was asked of the API, and forgotten."""
    found = [f"{each.method} {each.path.partition('?')[0]}" for each in site.cloudflare.requests]
    site.cloudflare.requests.clear()
    return found


def test_a_domain_without_the_option_asks_nobody_for_a_policy(site: Site, edge: Edge) -> None:
    site.run(hosts(MX1))
    zone = site.cloudflare.zones[NAME].id
    assert requests(site) == [
        "GET /zones",
        f"GET /zones/{zone}/dns_records",
        f"POST /zones/{zone}/dns_records/batch",
    ]
    assert edge.log == []
    site.withdraw(hosts(MX1))
    assert len(requests(site)) == 3
    assert edge.log == []


def test_a_first_policy_is_served_before_its_txt_record_stands(site: Site) -> None:
    def look(what: str) -> None:
        if site.txt:
            assert site.served == "enforce mx1.example.test"
        if what == UPLOADED:
            names = {record["name"] for record in site.cloudflare.records(NAME)}
            assert f"_smtp._tls.{NAME}" in names

    site.at = look
    site.run(hosts(MX1, mta_sts="enforce", tls_reports="tls@example.net"))
    assert site.log == [CHANGED, UPLOADED, CHANGED, "pause 10", CHANGED]
    assert site.mx == [MX1]
    assert site.fetch(NAME).policy is not None
    policy = site.fetch(NAME).policy
    assert policy and site.announced == policy.id
    assert site.txt and site.txt["ttl"] == 60


def test_a_run_without_changes_asks_the_policy_host_alone(site: Site, edge: Edge) -> None:
    inventory = hosts(MX1, mta_sts="enforce")
    site.run(inventory)
    requests(site), edge.log.clear()
    prepared = site.run(inventory)
    assert prepared.in_sync
    assert len(requests(site)) == 2
    assert len(edge.log) == 1


def test_a_new_host_gets_its_mx_when_everybody_knows_the_policy_that_lists_it(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    seen: dict[str, Any] = {}

    def look(what: str) -> None:
        seen[what] = (site.mx, site.served)

    site.at = look
    site.run(hosts(MX1, MX2, mta_sts="enforce"))
    assert site.log == [CHANGED, UPLOADED, "pause 10", CHANGED, "pause 65", CHANGED]
    assert seen["pause 65"] == ([MX1], "enforce mx1.example.test mx2.example.test")
    assert site.mx == [MX1, MX2]


def test_a_host_that_leaves_is_listed_until_no_sender_has_its_mx(site: Site) -> None:
    site.run(hosts(MX1, MX2, mta_sts="enforce"))
    only = hosts(MX2, mta_sts="enforce")
    assert "its MTA-STS policy lists mx1.example.test until" in str(site.run(only))
    assert site.log == [CHANGED]
    assert (site.mx, site.served) == ([MX2], "enforce mx1.example.test mx2.example.test")
    assert site.txt and site.txt["comment"].startswith("letterbox example.test leaving ")
    assert site.prepare(only).in_sync
    assert "its MTA-STS policy lists mx1.example.test until" in str(site.prepare(only))
    site.later(minutes=9)
    site.run(only)
    assert site.served == "enforce mx2.example.test"
    assert site.txt["comment"] == "letterbox example.test"


def test_a_machine_that_gets_another_name_is_warned_of_before_anything_is_changed(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    renamed = hosts(MX2, mta_sts="enforce", at={MX2: "198.18.0.25"})
    said = str(site.prepare(renamed))
    assert "mx2.example.test has its address 198.18.0.25, so senders that have the old MX find" in said
    assert "find a certificate for another name" not in str(site.prepare(hosts(MX2, mta_sts="enforce")))


def test_no_mx_goes_while_another_waits(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))

    def look(what: str) -> None:
        assert site.mx in ([MX1], [MX2])

    site.at = look
    site.run(hosts(MX2, mta_sts="enforce"))
    assert site.mx == [MX2]
    assert site.served == "enforce mx1.example.test mx2.example.test"


@pytest.mark.parametrize("kill", range(4))
def test_a_run_that_is_cut_off_is_finished_by_the_next(site: Site, kill: int) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    wanted = hosts(MX2, mta_sts="enforce")
    site.kill = kill
    with pytest.raises(Killed):
        site.run(wanted)
    site.run(wanted)
    assert site.mx == [MX2]
    assert site.served == "enforce mx1.example.test mx2.example.test"
    site.later(minutes=9)
    site.run(wanted)
    assert site.served == "enforce mx2.example.test"
    assert site.prepare(wanted).in_sync


@pytest.mark.parametrize("kill", range(4))
def test_a_first_run_that_is_cut_off_is_finished_by_the_next(site: Site, kill: int) -> None:
    wanted = hosts(MX1, mta_sts="enforce")
    site.kill = kill
    with pytest.raises(Killed):
        site.run(wanted)
    site.kill = None
    site.run(wanted)
    assert (site.mx, site.served) == ([MX1], "enforce mx1.example.test")
    assert site.prepare(wanted).in_sync


def test_a_policy_that_is_not_served_in_time_leaves_its_txt_record_to_the_next_run(
    site: Site, edge: Edge
) -> None:
    inventory = hosts(MX1, mta_sts="testing")
    edge.fault = EdgeFault("404")
    with pytest.raises(Unfinished, match=r"not served yet .* answers 404.* run this or deploy again"):
        site.run(inventory)
    assert (site.mx, site.txt) == ([MX1], None)
    assert site.log.count("pause 5") == 120
    edge.fault = EdgeFault()
    site.run(inventory)
    assert site.log == ["pause 10", CHANGED]
    assert site.txt


def test_what_stands_and_cannot_be_fetched_is_said_and_waited_for_no_longer(site: Site, edge: Edge) -> None:
    inventory = hosts(MX1, mta_sts="testing")
    site.run(inventory)
    edge.fault = EdgeFault("down")
    assert not site.prepare(inventory).in_sync
    with pytest.raises(SyncError, match="whether its MTA-STS policy is served is not known") as caught:
        site.run(inventory)
    assert caught.value.applied is False
    assert site.log == []


def test_a_token_without_the_right_stops_the_run_before_anything_is_changed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.cloudflare.add_token("no-workers-token-0123456789", workers=False)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "no-workers-token-0123456789")
    with pytest.raises(NotPermitted, match="Workers Scripts > Edit"):
        site.run(hosts(MX1, mta_sts="testing"))
    assert site.cloudflare.records(NAME) == []
    site.run(hosts(MX1))
    assert site.mx == [MX1]
    site.run(hosts(MX1, mta_sts="none"))


def test_a_certificate_that_is_refused_makes_the_policy_testing_first(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="enforce"))
    site.keys = {MX1: TRUSTED, MX2: SELF_SIGNED}
    both = hosts(MX1, MX2, mta_sts="enforce")

    def look(what: str) -> None:
        if MX2 in site.mx:
            assert site.served == "testing mx1.example.test mx2.example.test"

    site.at = look
    prepared = site.run(both)
    assert site.mx == [MX1, MX2]
    assert "MTA-STS testing, not enforce" in site.prepare(both).summary
    assert "its certificate is self-signed" in str(prepared)
    site.keys = {MX1: TRUSTED, MX2: TRUSTED}
    site.at = lambda what: None
    site.run(both)
    assert site.served == "enforce mx1.example.test mx2.example.test"


def test_without_the_option_a_policy_stays_and_no_mx_comes_that_it_does_not_list(site: Site) -> None:
    site.run(hosts(MX1, mta_sts="testing"))
    left_out = site.prepare(hosts(MX1))
    assert left_out.in_sync
    assert "its MTA-STS policy stays as it is" in str(left_out)
    before = site.txt
    with pytest.raises(SyncError, match='write "mta_sts": "testing"'):
        site.run(hosts(MX2))
    assert (site.mx, site.txt, site.served) == ([MX1], before, "testing mx1.example.test")


def test_an_upload_that_fails_does_not_keep_a_new_domain_from_its_mx(site: Site) -> None:
    prepared = site.prepare(hosts(MX1, mta_sts="enforce"))
    site.cloudflare.fail_next(Fault("refuse", on="letterbox-mta-sts-example-test", status=400, code=10021))
    with pytest.raises(ChangedBut, match="10021"):
        site.carry_out(prepared)
    assert (site.mx, site.txt) == ([MX1], None)
    site.run(hosts(MX1, mta_sts="enforce"))
    assert site.served == "testing mx1.example.test"
