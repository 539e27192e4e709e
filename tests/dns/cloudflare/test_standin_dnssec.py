"""The stand-in's DNSSEC and TLSA: the shapes and refusals of the real API, by its public sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from dns.dnssec import make_ds
from dns.rdata import from_text

from tests.dns.cloudflare.test_standin import code
from tests.dns.example import SECONDS
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.dnssec import EXAMPLE_KEY, Commands, FixedKey

DIGEST = "0123456789abcdef" * 4
DATA: dict[str, Any] = {"usage": 3, "selector": 1, "matching_type": 1, "certificate": DIGEST}


def tlsa(**changes: Any) -> dict[str, Any]:
    data = {key: value for key, value in {**DATA, **changes}.items() if value is not None}
    return {"type": "TLSA", "name": "_25._tcp.mx1", "data": data}


def test_dnssec_goes_through_the_states_of_the_real_one(cloudflare: StandIn, api: httpx.Client) -> None:
    signer = cloudflare.api.signer = FixedKey()
    fresh = api.get("dnssec").json()["result"]
    assert (fresh["status"], fresh["ds"], fresh["modified_on"]) == ("disabled", None, None)
    on = api.patch("dnssec", json={"status": "active"}).json()["result"]
    ds = make_ds("example.test.", from_text("IN", "DNSKEY", EXAMPLE_KEY), "SHA256").to_text()
    assert (on["status"], on["ds"].lower()) == ("pending", f"example.test. 3600 in ds {ds}")
    assert (on["key_tag"], on["algorithm"], on["flags"]) == (int(ds.split()[0]), "13", 257)
    signer.parent["example.test"] = ds
    assert api.get("dnssec").json()["result"] == {**on, "status": "active"}
    assert api.patch("dnssec", json={"status": "disabled"}).json()["result"]["status"] == "pending-disabled"
    signer.parent.clear()
    assert api.get("dnssec").json()["result"]["status"] == "disabled"


@pytest.mark.parametrize("body", [{}, {"status": "on"}])
def test_a_wrong_status_is_refused(api: httpx.Client, body: dict[str, str]) -> None:
    refused = api.patch("dnssec", json=body)
    assert (refused.status_code, code(refused)) == (400, 1002)


def test_a_token_that_only_reads_cannot_switch_it_on(cloudflare: StandIn, api: httpx.Client) -> None:
    cloudflare.add_token("reading-token-0123456789", zones=["example.test"], edit=False)
    headers = {"authorization": "Bearer reading-token-0123456789"}
    assert api.get("dnssec", headers=headers).status_code == 200
    assert code(api.patch("dnssec", headers=headers, json={"status": "active"})) == 10000


def test_the_key_and_the_ds_at_the_parent_may_come_from_a_command(tmp_path: Path) -> None:
    ds = make_ds("example.test.", from_text("IN", "DNSKEY", EXAMPLE_KEY), "SHA256").to_text()
    script = tmp_path / "signer"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = sign ] && printf "256 3 13 AAAA\\n{EXAMPLE_KEY}\\n" || echo {ds}\n'
    )
    script.chmod(0o755)
    commands = Commands(str(script))
    with StandIn(["example.test"], signer=commands) as cloudflare:
        zone = cloudflare.zones["example.test"]
        assert zone.switch_dnssec({"status": "active"}, commands)["status"] == "active"


def test_a_tlsa_is_taken_as_data_and_answered_in_upper_case(cloudflare: StandIn, api: httpx.Client) -> None:
    made = api.post("dns_records", json=tlsa()).json()["result"]
    assert (made["name"], made["content"]) == ("_25._tcp.mx1.example.test", f"3 1 1 {DIGEST.upper()}")
    assert made["data"] == {**DATA, "certificate": DIGEST.upper()}
    assert code(api.post("dns_records", json=tlsa(certificate=DIGEST.upper()))) == 81058


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"usage": None}, 9101),
        ({"certificate": None}, 9101),
        ({"selector": 256}, 9101),
        ({"certificate": "xyz"}, 1004),
        ({"certificate": DIGEST[2:]}, 1004),
        ({"certificate": ""}, 1004),
    ],
)
def test_a_wrong_tlsa_is_refused(api: httpx.Client, changes: dict[str, Any], refused: int) -> None:
    assert code(api.post("dns_records", json=tlsa(**changes))) == refused


def test_a_tlsa_with_content_in_place_of_data_is_refused(api: httpx.Client) -> None:
    sent = {"type": "TLSA", "name": "_25._tcp.mx1", "content": f"3 1 1 {DIGEST}"}
    assert code(api.post("dns_records", json=sent, timeout=SECONDS)) == 9101
