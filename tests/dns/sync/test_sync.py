"""`dns.sync` end to end: the real SDK over HTTP against the stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dns.example import DOMAIN, HOST, OURS, WANTED, Run, frozen, inventory_text, values
from tests.dns.loopback.world import World
from tests.lab.cloudflare import StandIn

FOREIGN = (
    {"type": "A", "name": "www", "content": "192.0.2.80", "proxied": True},
    {"type": "TXT", "name": "@", "content": "verification=1", "comment": "Bob's"},
    {"type": "MX", "name": "lists", "content": "mx.lists.test", "priority": 1},
)


def test_a_first_run_makes_the_records_in_three_requests(cloudflare: StandIn, run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "3 to add" in out
    assert values(cloudflare) == WANTED
    assert [(r.method, r.path.rpartition("/")[2]) for r in cloudflare.requests] == [
        ("GET", "zones"),
        ("GET", "dns_records"),
        ("POST", "batch"),
    ]


def test_a_second_run_changes_nothing_in_two_requests(cloudflare: StandIn, run: Run) -> None:
    run()
    before = cloudflare.records("example.test")
    cloudflare.requests.clear()
    code, out, _ = run()
    assert (code, out) == (0, "example.test: in sync (MX 1, A 1, AAAA 1)\n")
    assert [r.method for r in cloudflare.requests] == ["GET", "GET"]
    assert cloudflare.records("example.test") == before


def test_foreign_records_are_untouched(cloudflare: StandIn, run: Run) -> None:
    ids = {record["id"] for record in cloudflare.seed("example.test", *FOREIGN)}
    before = frozen(cloudflare, ids)
    assert run()[0] == 0
    assert frozen(cloudflare, ids) == before
    assert len(values(cloudflare)) == 6


def test_every_record_carries_the_mark(cloudflare: StandIn, run: Run) -> None:
    run()
    assert {record["comment"] for record in cloudflare.records("example.test")} == {"letterbox example.test"}


def test_mail_hosts_are_not_proxied(cloudflare: StandIn, run: Run) -> None:
    run()
    assert not any(record["proxied"] for record in cloudflare.records("example.test"))


@pytest.mark.parametrize("flag", ["--dry-run", "--check"])
def test_a_look_changes_nothing_and_exits_with_2_if_the_zone_differs(
    cloudflare: StandIn, run: Run, flag: str
) -> None:
    assert run(flag)[0] == 2
    assert values(cloudflare) == set()
    run()
    assert run(flag)[0] == 0


def test_json_is_one_object_that_says_what_was_done(cloudflare: StandIn, run: Run) -> None:
    looked = json.loads(run("--dry-run", "--json")[1])
    assert (looked["in_sync"], looked["applied"], len(looked["add"])) == (False, False, 3)
    assert json.loads(run("--json")[1])["applied"] is True
    assert json.loads(run("--json")[1])["in_sync"] is True


def test_a_foreign_mx_blocks_until_it_is_named(cloudflare: StandIn, run: Run) -> None:
    cloudflare.seed("example.test", {"type": "MX", "name": "@", "content": "old.test", "priority": 5})
    before = cloudflare.records("example.test")
    code, _, err = run()
    assert code == 1
    assert "--replace-mx old.test" in err
    assert cloudflare.records("example.test") == before
    assert run("--replace-mx", "OLD.test.")[0] == 0
    assert values(cloudflare) == WANTED


def test_email_routing_blocks_and_nothing_is_changed(cloudflare: StandIn, run: Run) -> None:
    cloudflare.zones["example.test"].route_email()
    before = cloudflare.records("example.test")
    code, _, err = run("--replace-mx", "route1.mx.cloudflare.net")
    assert code == 1
    assert err.count("Cloudflare's Email Routing owns the MX") == 1
    assert err.count("route1.mx.cloudflare.net") == 1
    assert "--replace" not in err
    assert cloudflare.records("example.test") == before


def test_a_host_that_leaves_the_inventory_leaves_the_zone_when_it_is_named(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    other = {**HOST, "public_ipv4": "198.18.0.26", "public_ipv6": "fd00::26", "mx_preference": 20}
    both = {"mx1.example.test": HOST, "mx2.example.test": other}
    inventory.write_text(inventory_text(both, {"example.test": DOMAIN}))
    run()
    assert len(values(cloudflare)) == 6
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": DOMAIN}))
    code, out, _ = run()
    assert (code, len(values(cloudflare))) == (0, 5), "an MX led to it, and senders keep that for a while"
    assert "= mx2.example.test A 198.18.0.26 (ours, stays until 20" in out
    cloudflare.requests.clear()
    assert run("--forget-host", "MX2.example.test.")[0] == 0
    assert values(cloudflare) == WANTED
    assert len(cloudflare.requests) == 3


def test_a_changed_address_ttl_and_preference_are_published(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    run()
    changed = {**HOST, "public_ipv4": "198.18.0.99", "mx_preference": 0}
    inventory.write_text(
        inventory_text({"mx1.example.test": changed}, {"example.test": {**DOMAIN, "ttl": 600}})
    )
    assert run()[0] == 0
    assert ("A", "mx1.example.test", "198.18.0.99", None) in values(cloudflare)
    assert ("MX", "example.test", "mx1.example.test", 0) in values(cloudflare)
    assert {record["ttl"] for record in cloudflare.records("example.test")} == {600}
    assert run()[1].startswith("example.test: in sync")


def test_a_domain_that_sends_no_mail_says_so(cloudflare: StandIn, run: Run, inventory: Path) -> None:
    domain = {**DOMAIN, "sends_mail": False}
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": domain}))
    run()
    assert ("TXT", "example.test", '"v=spf1 -all"', None) in values(cloudflare)
    assert ("TXT", "_dmarc.example.test", '"v=DMARC1; p=reject"', None) in values(cloudflare)
    assert "in sync" in run()[1]


def test_tls_reports_and_caa_are_published_beside_those_of_others(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    others = {"type": "CAA", "name": "@", "data": {"flags": 0, "tag": "issue", "value": "other.org"}}
    ids = {record["id"] for record in cloudflare.seed("example.test", others)}
    before = frozen(cloudflare, ids)
    domain = {**DOMAIN, "tls_reports": "tls@example.org", "caa": ["letsencrypt.org"]}
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": domain}))
    assert run()[0] == 0
    assert ("CAA", "example.test", '0 issue "letsencrypt.org"', None) in values(cloudflare)
    report = '"v=TLSRPTv1; rua=mailto:tls@example.org"'
    assert ("TXT", "_smtp._tls.example.test", report, None) in values(cloudflare)
    assert frozen(cloudflare, ids) == before
    assert "in sync" in run()[1]
    inventory.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": DOMAIN}))
    assert run()[0] == 0
    assert frozen(cloudflare, ids) == before
    assert values(cloudflare) == WANTED | {("CAA", "example.test", '0 issue "other.org"', None)}


def test_a_domain_below_its_zone_and_a_host_outside_it(
    world: World, cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    inventory.write_text(inventory_text({"mx1.example.test": OURS}, {"mail.other.test": DOMAIN}))
    before = cloudflare.records("example.test")
    assert run("--resolver", world.resolver.resolver, domain="mail.other.test")[0] == 0
    assert values(cloudflare, "other.test") == {("MX", "mail.other.test", "mx1.example.test", 10)}
    assert cloudflare.records("example.test") == before


def test_a_read_only_record_of_another_product_names_its_owner_and_nothing_is_changed(
    cloudflare: StandIn, run: Run
) -> None:
    zone = cloudflare.zones["example.test"]
    cname = {"type": "CNAME", "name": "mx1", "content": "public.r2.dev", "proxied": True}
    zone.manage(cname, read_only=True, r2_bucket="files")
    before = cloudflare.records("example.test")
    for arguments in ([], ["--replace-cname", "public.r2.dev"]):
        code, _, err = run(*arguments)
        assert code == 1
        assert "an R2 bucket's custom domain owns this name" in err
        assert "--replace-cname" not in err
    assert cloudflare.records("example.test") == before


def test_a_read_only_record_that_is_right_is_left_as_it_is(cloudflare: StandIn, run: Run) -> None:
    zone = cloudflare.zones["example.test"]
    zone.manage({"type": "A", "name": "mx1", "content": "198.18.0.25"}, read_only=True, origin_worker_id="x")
    assert run()[0] == 0
    assert values(cloudflare) == WANTED


def test_a_zone_of_5000_records_costs_no_more_requests(cloudflare: StandIn, run: Run) -> None:
    zone = cloudflare.zones["example.test"]
    zone.plan = "enterprise"
    (one,) = cloudflare.seed("example.test", {"type": "A", "name": "n", "content": "192.0.2.1"})
    zone.records |= {
        f"{n:032x}": {**one, "id": f"{n:032x}", "name": f"n{n}.example.test"} for n in range(4990)
    }
    assert run()[0] == 0
    assert len(cloudflare.requests) == 3


def test_a_zone_of_more_than_5000_records_is_read_to_its_end(cloudflare: StandIn, run: Run) -> None:
    zone = cloudflare.zones["example.test"]
    zone.plan = "enterprise"
    (one,) = cloudflare.seed("example.test", {"type": "A", "name": "n", "content": "192.0.2.1"})
    zone.records |= {
        f"{n:032x}": {**one, "id": f"{n:032x}", "name": f"n{n}.example.test"} for n in range(5000)
    }
    cloudflare.seed("example.test", {"type": "MX", "name": "@", "content": "old.test", "priority": 5})
    code, _, err = run()
    assert code == 1
    assert "--replace-mx old.test" in err


def test_a_pending_zone_is_reported_with_the_nameservers_to_set(cloudflare: StandIn, run: Run) -> None:
    cloudflare.zones["example.test"].status = "pending"
    code, _, err = run()
    assert code == 0
    assert "is pending" in err
    assert "ns1.cloudflare.test and ns2.cloudflare.test" in err


def test_an_email_in_the_environment_does_not_drop_the_token(
    cloudflare: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_EMAIL", "someone@example.test")
    monkeypatch.setenv("CLOUDFLARE_API_KEY", "0" * 37)
    assert run()[0] == 0
