"""After a sync of any zone with any inventory nothing differs, and records of others are as they were."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dns.name import from_text as name_from_text
from dns.zone import from_text as zone_from_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dns.inventory import Inventory, from_hosts
from dns.inventory.host_addresses import Addresses
from dns.plan import Plan, Replacing
from dns.records import is_marked
from dns.sync import Prepared, SyncError, Zones, apply, prepare, undo
from dns.world.answers import Answer, canonical_rdata
from dns.world.expected import from_plan, mismatch
from tests.dns.example import TOKEN
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.refusals import Refusal
from tests.lab.cloudflare.rules import text_value
from tests.lab.cloudflare.zonefile import zone_text

NAMES = ("@", "mx1", "mx2", "www", "_dmarc", "sub", "_smtp._tls")
V4 = st.integers(1, 4).map(lambda n: f"198.18.0.{n}")
V6 = st.integers(1, 4).map(lambda n: f"fd00::{n:x}")
TARGETS = st.sampled_from(["mx1.example.test", "mx2.example.test", "old.test", "."])
MARKS = st.sampled_from([None, None, "Bob's", "letterbox example.test", "letterbox example.test by Bob"])
AUTHORITIES = st.fixed_dictionaries(
    {
        "flags": st.just(0),
        "tag": st.sampled_from(["issue", "issuewild"]),
        "value": st.sampled_from(["letsencrypt.org", "other.org", ";"]),
    }
)
TTLS = st.sampled_from([1, 60, 300, 86400])
WAYS = st.fixed_dictionaries(
    {
        "page_cap": st.sampled_from([None, 1, 3, 100]),
        "priority_in_data": st.booleans(),
        "hides_unknown": st.booleans(),
    }
)


def records() -> st.SearchStrategy[dict[str, Any]]:
    """Any record, ours or not, at one of our names or at another."""
    common = {"name": st.sampled_from(NAMES), "comment": MARKS, "ttl": TTLS}
    texts = st.sampled_from(
        ["v=spf1 -all", "v=spf1 ~all", "v=DMARC1; p=none", "v=TLSRPTv1; rua=x", 'say "hi"', "x" * 300]
    )
    return st.one_of(
        st.fixed_dictionaries({"type": st.just("A"), "content": V4, "proxied": st.booleans(), **common}),
        st.fixed_dictionaries({"type": st.just("AAAA"), "content": V6, "proxied": st.booleans(), **common}),
        st.fixed_dictionaries(
            {"type": st.just("MX"), "content": TARGETS, "priority": st.integers(0, 3), **common}
        ),
        st.fixed_dictionaries({"type": st.just("CNAME"), "content": st.just("site.test"), **common}),
        st.fixed_dictionaries({"type": st.just("CAA"), "data": AUTHORITIES, **common}),
        st.fixed_dictionaries({"type": st.just("TXT"), "content": texts, **common}),
    )


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """One or two hosts, for example.test."""
    domain: dict[str, Any] = {
        "mailboxes": ["alice"],
        "sends_mail": draw(st.sampled_from([None, False])),
        "ttl": draw(TTLS),
        "tls_reports": draw(st.sampled_from([None, True, "tls@example.org"])),
        "caa": draw(st.sampled_from([None, True, ["letsencrypt.org"]])),
    }
    names = ["mx1.example.test", "mx2.example.test"][: draw(st.integers(1, 2))]
    return from_hosts(
        (
            name,
            {
                "public_ipv4": draw(V4),
                "public_ipv6": draw(st.none() | st.just(False) | V6),
                "mx_preference": draw(st.integers(0, 3)),
                "allow_private_address": True,
                "domains": {"example.test": domain},
            },
        )
        for name in names
    )


def naming_all(plan: Plan) -> Replacing:
    """Options that replace everything that is in the way."""
    contents = frozenset(obstacle.record.content for obstacle in plan.obstacles)
    return Replacing(mx=contents, cname=contents, address=contents)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(zone=st.lists(records(), max_size=12), inventory=inventories(), ways=WAYS)
def test_after_a_sync_nothing_differs_and_foreign_records_are_as_they_were(
    zone: list[dict[str, Any]], inventory: Inventory, ways: dict[str, Any]
) -> None:
    none: dict[str, Addresses] = {}
    with StandIn(["example.test"], token=TOKEN) as cloudflare:
        for record in zone:
            try:
                cloudflare.seed("example.test", record)
            except Refusal:
                continue
        zones = Zones({"CLOUDFLARE_API_TOKEN": TOKEN, "CLOUDFLARE_BASE_URL": cloudflare.base_url})
        for way, value in ways.items():
            setattr(cloudflare.api, way, value)
        before = {record["id"]: record for record in cloudflare.records("example.test")}
        planned = prepare(inventory, "example.test", none, zones=zones)
        touched = [*planned.plan.deletes, *(change.before for change in planned.plan.patches)]
        assert all(is_marked(held.record, "letterbox example.test") for held in touched)
        if planned.plan.obstacles:
            try:
                apply(planned, zones=zones)
                raise AssertionError("it was changed in spite of obstacles")
            except SyncError:
                assert {r["id"]: r for r in cloudflare.records("example.test")} == before
            named = naming_all(planned.plan)
            planned = prepare(inventory, "example.test", none, replacing=named, zones=zones)
        gone = {held.id for held in planned.plan.deletes} | {c.before.id for c in planned.plan.patches}
        apply(planned, zones=zones)
        again = prepare(inventory, "example.test", none, zones=zones)
        assert again.in_sync
        assert again.changes == 0
        assert not_served(cloudflare, again) == []
        after = {record["id"]: record for record in cloudflare.records("example.test")}
        foreign = {
            key: record
            for key, record in before.items()
            if not (record["comment"] or "").startswith("letterbox") and key not in gone
        }
        assert {key: after.get(key) for key in foreign} == foreign
        if planned.changes:
            zone, back = undo.plan_undo("example.test", zones, forgetting=None)
            undo.apply("example.test", zone, back, zones)
            assert seen(cloudflare.records("example.test")) == seen(before.values())


def not_served(cloudflare: StandIn, prepared: Prepared) -> list[str]:
    """What the nameservers would answer wrongly, by the zone file that is published."""
    origin = name_from_text("example.test.")
    zone = zone_from_text(zone_text(cloudflare.zones["example.test"]), origin, relativize=False)
    problems: list[str] = []
    for question in from_plan(prepared.plan):
        rdataset = zone.get_rdataset(name_from_text(question.name), question.type)
        texts = [canonical_rdata(question.type, rdata.to_text()) for rdata in rdataset or ()]
        problem = mismatch(question, Answer(values=frozenset(texts)))
        problems += [problem] if problem else []
    return problems


def seen(kept: Iterable[dict[str, Any]]) -> list[str]:
    """The records without identifiers and dates, which are new with every record."""
    passed_over = ("id", "created_on", "modified_on")
    plain = [{k: v for k, v in record.items() if k not in passed_over} for record in kept]
    for record in plain:
        if record["type"] == "TXT":  # Cloudflare keeps it as it was sent, quoted or not
            record["content"] = text_value(record["content"])
    return sorted(json.dumps(record, sort_keys=True) for record in plain)
