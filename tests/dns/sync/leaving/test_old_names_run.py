"""Runs of `dns.sync` that leave addresses of an old name in the zone, and later delete them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dns import sync
from dns.inventory import load
from dns.records import mark_of
from dns.world.leads import Leads, look_up
from tests.dns.example import DOMAIN, HOST, OURS, Run, inventory_text, values
from tests.dns.loopback.world import World
from tests.dns.sync.leaving.planned import MX1, MX2, ZONE
from tests.lab.cloudflare import StandIn


def test_a_renamed_host_is_published_at_once_and_its_old_name_goes_later(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    run()
    inventory.write_text(inventory_text({"mail.example.test": HOST}, {ZONE: DOMAIN}))
    assert run("--dry-run")[0] == 2
    code, out, err = run("--json")
    told = json.loads(out)
    assert (code, err, told["applied"]) == (0, "", True)
    assert [(kept["type"], kept["name"]) for kept in told["kept"]] == [("A", MX1), ("AAAA", MX1)]
    assert {kept["until"] for kept in told["kept"]} == {told["kept_until"]}
    assert told["kept_until"] > datetime.now(UTC).isoformat()[:19]
    assert ("MX", ZONE, "mail.example.test", 10) in values(cloudflare)
    assert ("A", MX1, "198.18.0.25", None) in values(cloudflare)
    before = json.dumps(cloudflare.records(ZONE))
    for options in ((), ("--check",), ("--dry-run",)):
        cloudflare.requests.clear()
        code, out, _ = run(*options)
        assert (code, {request.method for request in cloudflare.requests}) == (0, {"GET"})
        assert "in sync (MX 1, A 1, AAAA 1), 2 old records stay until 20" in out
    assert json.dumps(cloudflare.records(ZONE)) == before


def test_the_next_run_on_any_machine_deletes_what_is_over(
    world: World, cloudflare: StandIn, run: Run, inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERBOX_RESOLVER", world.resolver.resolver)
    comment = "letterbox until 2026-01-01T00:00:00Z example.test"
    cloudflare.seed(ZONE, {"type": "A", "name": "old", "content": "198.18.0.9", "comment": comment})
    assert run("--check")[0] == 2
    assert run()[0] == 0
    assert not any("old.example.test" in value for value in values(cloudflare))
    assert run("--undo")[0] == 0


def test_an_undo_of_a_rename_keeps_the_new_name_for_a_while(
    cloudflare: StandIn, run: Run, inventory: Path
) -> None:
    run()
    inventory.write_text(inventory_text({"mail.example.test": HOST}, {ZONE: DOMAIN}))
    run()
    code, out, _ = run("--undo")
    assert (code, "mail.example.test A 198.18.0.25 (ours, stays until 20" in out) == (0, True)
    assert ("MX", ZONE, MX1, 10) in values(cloudflare)
    assert ("A", "mail.example.test", "198.18.0.25", None) in values(cloudflare)
    comments = {r["name"]: r["comment"] for r in cloudflare.records(ZONE) if r["type"] == "A"}
    assert comments[MX1] == mark_of(ZONE)
    assert comments["mail.example.test"].startswith("letterbox until 20")


def test_a_domain_of_another_zone_is_asked_at_its_nameservers(
    world: World, cloudflare: StandIn, inventory: Path
) -> None:
    """The MX of other.test leads to the old name, then elsewhere, then is unknown."""
    cloudflare.zones[ZONE].records.clear()
    cloudflare.seed(ZONE, *[{"type": "A", "name": "mx1", "content": "198.18.0.9", "comment": mark_of(ZONE)}])
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": MX1, "priority": 10})
    inventory.write_text(inventory_text({MX2: OURS}, {ZONE: DOMAIN, "other.test": DOMAIN}))

    def asked(domains: Sequence[str], cached_only: bool) -> list[Leads]:
        return [look_up(name, world.vantage) for name in domains]

    def said() -> str:
        made = sync.prepare(load(inventory), ZONE, {}, look_up=asked)
        return " ".join(made.stays)

    assert f"other.test MX 10 {MX1} leads mail to this name (ns1.cloudflare.test says so)" in said()
    cloudflare.zones["other.test"].records.clear()
    cloudflare.seed("other.test", {"type": "MX", "name": "@", "content": MX2, "priority": 10})
    world.resolver.zones.pop("other.test", None)
    assert "stays until 20" in said()
    world.ns[0].folder = None
    assert "whether the MX of other.test leads mail to this name cannot be told" in said()
