"""`dns.sync` with DANE: the real SDK over HTTP against the stand-in. The world's answers are given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dns import sync
from dns.dane.facts import Outside
from dns.errors import ChangedBut, SyncError
from dns.inventory.host_keys import HostKeys
from dns.sync import report
from dns.sync.change import apply
from dns.sync.command import main as command
from tests.dns.dane.keys import (
    AFTER_REKEY,
    FIRST,
    FOURTH,
    NAME,
    SECOND,
    THIRD,
    greeting_with,
    inventory,
    outside,
    published,
    tlsa,
)
from tests.dns.dane.runs import changed, prepared
from tests.lab.cloudflare import Fault, StandIn


def test_current_and_next_are_published_with_our_mark_and_the_next_run_changes_nothing(
    cloudflare: StandIn,
) -> None:
    changed()
    assert published(cloudflare) == [FIRST, SECOND]
    made = [r for r in cloudflare.records("example.test") if r["type"] == "TLSA"]
    assert {(r["comment"], r["ttl"]) for r in made} == {("letterbox example.test", 1)}
    cloudflare.requests.clear()
    assert prepared().in_sync
    assert [request.path.rpartition("/")[2] for request in cloudflare.requests] == [
        "zones",
        "dnssec",
        "dns_records",
    ]


def test_a_domain_without_dane_asks_nothing_more(cloudflare: StandIn) -> None:
    def nobody(asked: str) -> Any:
        raise AssertionError(f"{asked} was asked")

    apply(prepared(inventory(example_test=False), world=Outside(nobody, nobody)))
    assert [request.path.rpartition("/")[2] for request in cloudflare.requests] == [
        "zones",
        "dns_records",
        "batch",
    ]


def test_after_a_rekey_the_old_key_goes_and_the_new_next_comes_in_one_transaction(
    cloudflare: StandIn,
) -> None:
    changed()
    cloudflare.requests.clear()
    changed(keys=AFTER_REKEY)
    assert published(cloudflare) == [SECOND, THIRD]
    assert [request.path.rpartition("/")[2] for request in cloudflare.requests].count("batch") == 1


@pytest.mark.parametrize(
    ("keys", "world"),
    [
        (HostKeys(unread="its keys could not be read"), outside()),
        (HostKeys(THIRD, FOURTH, frozenset()), outside()),
        (HostKeys(THIRD, FOURTH, frozenset({FIRST})), outside()),
        (HostKeys(THIRD, FOURTH, frozenset({THIRD})), outside(False)),
        (HostKeys(THIRD, FOURTH, frozenset({THIRD})), outside(None, "cannot be looked at")),
    ],
    ids=["unread", "down", "serves another", "unsigned", "unknown"],
)
def test_what_stands_is_left_alone_if_it_is_not_known_what_is_right(
    cloudflare: StandIn, keys: HostKeys, world: Outside
) -> None:
    changed()
    plan = changed(keys=keys, world=world)
    assert published(cloudflare) == [FIRST, SECOND]
    assert plan.notes


def test_a_host_that_cannot_be_asked_keeps_no_other_from_being_published(cloudflare: StandIn) -> None:
    two = inventory(["mx1.example.test", "mx2.example.test"])
    second = HostKeys(THIRD, FOURTH, frozenset({THIRD}))
    plan = changed(two, {"mx1.example.test": HostKeys(unread="it is down"), "mx2.example.test": second})
    assert published(cloudflare) == []
    assert published(cloudflare, "_25._tcp.mx2.example.test") == [THIRD, FOURTH]
    assert plan.notes == ("mx1.example.test: its TLSA records stay as they are, because it is down",)


def test_a_run_for_some_of_the_hosts_takes_nothing_from_the_others(cloudflare: StandIn) -> None:
    """As a deploy does in which a host has failed."""
    changed(inventory(["mx1.example.test", "mx2.example.test"]))
    some = prepared(keys=AFTER_REKEY, forgetting=None)
    apply(replace(some, plan=some.plan.without_deletes()))
    assert published(cloudflare) == [FIRST, SECOND, THIRD]
    assert published(cloudflare, "_25._tcp.mx2.example.test") == [FIRST, SECOND]


def test_a_key_that_an_address_does_not_serve_is_not_published(cloudflare: StandIn, certificate: Any) -> None:
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    plan = changed(world=outside(greeting=greeting_with(der)))
    assert published(cloudflare) == []
    assert "198.18.0.25 serves another key than the host itself" in plan.notes[0]
    changed(world=outside(greeting=greeting_with(der, "relay.provider.test")))
    assert published(cloudflare) == [FIRST, SECOND], "a relay of this network proves nothing"


def test_dnssec_is_switched_on_and_the_ds_is_said_in_one_line(cloudflare: StandIn) -> None:
    zone = cloudflare.zones["example.test"]
    zone.signed, zone.key = False, ""
    first = prepared(world=outside(False))
    assert not first.in_sync
    assert "DNSSEC to switch on" in first.summary
    assert report.to_json("example.test", "example.test", first.plan)["sign"] is True
    plan = apply(first)
    assert zone.signed
    assert "\n" not in plan.registrar
    assert plan.registrar.startswith("zone example.test: give its registrar this DS")
    again = prepared(world=outside(False))
    assert again.in_sync, "nobody waits for the registrar"
    assert again.plan.registrar == plan.registrar


def test_dnssec_is_never_switched_off(cloudflare: StandIn) -> None:
    changed()
    changed(inventory(example_test=False))
    apply(sync.prepare_withdrawal(inventory(), "example.test", forgetting=None))
    assert published(cloudflare) == []
    assert not [r for r in cloudflare.requests if r.method == "PATCH" or r.method == "DELETE"]
    assert cloudflare.zones["example.test"].signed


def test_records_are_made_also_if_dnssec_cannot_be_switched_on(cloudflare: StandIn) -> None:
    cloudflare.zones["example.test"].signed = False
    first = prepared(world=outside(False))
    cloudflare.fail_next(Fault("refuse", "/dnssec", 403, 10000, "Authentication error"))
    with pytest.raises(ChangedBut, match=r"DNSSEC could not be switched on: .*Zone > DNS > Edit"):
        apply(first)
    assert ("MX", "example.test") in {(r["type"], r["name"]) for r in cloudflare.records("example.test")}
    with pytest.raises(SyncError, match="DNSSEC could not be switched on") as raised:
        again = prepared(world=outside(False))
        cloudflare.fail_next(Fault("refuse", "/dnssec", 403, 10000, "Authentication error"))
        apply(again)
    assert raised.value.applied is False


def test_a_lost_answer_to_the_switch_is_asked_again(cloudflare: StandIn) -> None:
    cloudflare.zones["example.test"].signed = False
    first = prepared(world=outside(False))
    cloudflare.fail_next(Fault("cut_after", "/dnssec"))
    assert apply(first).registrar
    assert cloudflare.zones["example.test"].signed


def test_a_state_that_nobody_knows_is_an_error_in_words(cloudflare: StandIn) -> None:
    change = Fault("changed", "/dnssec", change=lambda body: {**body, "result": {"status": "odd"}})
    cloudflare.fail_next(change)
    with pytest.raises(SyncError, match="Cloudflare answered 'odd' for the state of DNSSEC"):
        prepared()


def test_without_the_key_in_the_inventory_all_of_ours_go_at_once(cloudflare: StandIn) -> None:
    changed()
    plan = changed(inventory(example_test=False))
    assert published(cloudflare) == []
    assert len(plan.deletes) == 2


def test_a_tlsa_of_somebody_else_stays_and_an_equal_one_is_adopted(cloudflare: StandIn) -> None:
    cloudflare.seed("example.test", tlsa(FIRST.upper()), tlsa(FOURTH))
    plan = changed()
    assert published(cloudflare) == [FIRST, SECOND, FOURTH]
    assert [held.record.content for held in plan.adopted] == [f"3 1 1 {FIRST}"]
    plan = changed(inventory(example_test=False))
    assert published(cloudflare) == [FIRST, FOURTH]
    assert [note.partition(": is not ours and stays: unless the host")[0] for note in plan.notes] == [
        f"{NAME} TLSA 3 1 1 {digest}" for digest in (FIRST, FOURTH)
    ]


def test_an_alias_in_the_place_of_our_records_stays_and_is_said(cloudflare: StandIn) -> None:
    cloudflare.seed("example.test", {"type": "CNAME", "name": "_25._tcp.mx1", "content": "dane.other.test"})
    plan = changed()
    assert published(cloudflare) == []
    assert any(
        "_25._tcp.mx1.example.test CNAME dane.other.test: is not ours and stays" in n for n in plan.notes
    )
    assert prepared().in_sync


def test_the_command_says_what_it_withholds_and_json_has_it(
    cloudflare: StandIn, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root cannot be asked here, so whether the zone is signed is not known."""
    from tests.dns.example import DOMAIN, HOST, inventory_text

    monkeypatch.setenv("LETTERBOX_RESOLVER", "127.0.0.1#1")
    path = tmp_path / "inventory.py"
    path.write_text(inventory_text({"mx1.example.test": HOST}, {"example.test": {**DOMAIN, "dane": True}}))
    assert command(["example.test", "--inventory", str(path), "--wait", "0"]) == 0
    said = capsys.readouterr().out
    assert (
        "i mx1.example.test: no key is published for DANE, and what stands there stays, because example.test"
        in said
    )
    assert "zone example.test: give its registrar this DS" in said
    assert command(["example.test", "--inventory", str(path), "--json", "--check"]) == 0
    assert '"registrar": "zone example.test: give its registrar' in capsys.readouterr().out


def test_the_name_is_the_one_that_senders_ask_for() -> None:
    assert NAME == "_25._tcp.mx1.example.test"
