"""The stand-in refuses what Cloudflare refuses, and publishes its records."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dns.example import ROOT, SECONDS, TOKEN
from tests.lab.cloudflare import StandIn


def mx(**changed: Any) -> dict[str, Any]:
    return {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10, **changed}


def a(**changed: Any) -> dict[str, Any]:
    return {"type": "A", "name": "mx1", "content": "198.18.0.1", **changed}


def code(answer: httpx.Response) -> int:
    """The code of a refusal."""
    body = answer.json()
    assert body["success"] is False
    assert answer.status_code >= 400
    return int(body["errors"][0]["code"])


@pytest.mark.parametrize(
    ("record", "refused"),
    [
        (mx(priority=None), 9100),
        (mx(content="198.18.0.1"), 9009),
        (mx(content="fd00::1"), 9009),
        (mx(proxied=True), 9004),
        (mx(ttl=59), 9021),
        (mx(ttl=86401), 9021),
        (mx(comment="x" * 101), 1004),
        (mx(tags=["a:b"]), 9300),
        (mx(name="a b"), 9000),
        (a(content="198.18.0.256"), 9005),
        (a(content="fd00::1"), 9005),
        (a(type="AAAA"), 9006),
        (a(type="BOGUS"), 1004),
        (a(content=""), 1004),
    ],
)
def test_a_wrong_record_is_refused_with_cloudflares_code(
    cloudflare: StandIn, api: httpx.Client, record: dict[str, Any], refused: int
) -> None:
    assert code(api.post("dns_records", json=record)) == refused
    assert cloudflare.records("example.test") == []


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (mx(), mx(content="MX1.example.test."), 81058),
        (mx(), mx(priority=20), 81057),
        (a(), a(ttl=600), 81058),
        (a(), a(type="CNAME", content="x.test"), 81053),
        (a(type="CNAME", content="x.test"), a(), 81054),
        (a(type="CNAME", content="x.test"), a(type="CNAME", content="y.test"), 81054),
    ],
)
def test_records_that_cannot_stand_together_are_refused(
    api: httpx.Client, first: dict[str, Any], second: dict[str, Any], refused: int
) -> None:
    assert api.post("dns_records", json=first).status_code == 200
    assert code(api.post("dns_records", json=second)) == refused


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (mx(content="MX1.Example.test."), ("example.test", "mx1.example.test")),
        (mx(name="Example.TEST."), ("example.test", "mx1.example.test")),
        (mx(content="mx.bücher.test"), ("example.test", "mx.xn--bcher-kva.test")),
        (a(type="AAAA", content="FD00:0:0::1"), ("mx1.example.test", "fd00::1")),
        (a(type="TXT", content="v=spf1 -all"), ("mx1.example.test", "v=spf1 -all")),
        (a(type="TXT", content='"a" "b"'), ("mx1.example.test", '"a" "b"')),
    ],
)
def test_names_and_contents_come_back_normalised_and_texts_as_they_were_sent(
    api: httpx.Client, sent: dict[str, Any], kept: tuple[str, str]
) -> None:
    record = api.post("dns_records", json=sent).json()["result"]
    assert (record["name"], record["content"]) == kept


def test_a_batch_is_all_or_nothing(cloudflare: StandIn, api: httpx.Client) -> None:
    (held,) = cloudflare.seed("example.test", a())
    batch = {"deletes": [{"id": held["id"]}], "posts": [mx(), mx(priority=None, content="b.test")]}
    assert code(api.post("dns_records/batch", json=batch)) == 9100
    assert cloudflare.records("example.test") == [held]


def test_a_batch_deletes_before_it_posts(cloudflare: StandIn, api: httpx.Client) -> None:
    (held,) = cloudflare.seed("example.test", a())
    batch = {"posts": [a(type="CNAME", content="x.test")], "deletes": [{"id": held["id"]}]}
    answer = api.post("dns_records/batch", json=batch).json()
    assert [record["type"] for record in answer["result"]["posts"]] == ["CNAME"]


def test_a_batch_of_more_than_200_is_refused(api: httpx.Client) -> None:
    posts = [a(name=f"n{number}") for number in range(201)]
    assert code(api.post("dns_records/batch", json={"posts": posts})) == 1004
    assert api.post("dns_records/batch", json={"posts": posts[:200]}).status_code == 200


def test_patch_keeps_what_is_not_named_and_put_resets_it(cloudflare: StandIn, api: httpx.Client) -> None:
    (held,) = cloudflare.seed("example.test", a(ttl=600, comment="Bob's"))
    path = f"dns_records/{held['id']}"
    patched = api.patch(path, json={"content": "198.18.0.2"}).json()["result"]
    assert (patched["content"], patched["ttl"], patched["comment"]) == ("198.18.0.2", 600, "Bob's")
    put = api.put(path, json=a()).json()["result"]
    assert (put["ttl"], put["comment"]) == (1, None)
    assert code(api.patch(path, json={"type": "AAAA", "content": "fd00::1"})) == 1004


def test_get_and_delete_are_by_identifier(cloudflare: StandIn, api: httpx.Client) -> None:
    (held,) = cloudflare.seed("example.test", a())
    path = f"dns_records/{held['id']}"
    assert api.get(path).json()["result"] == held
    assert api.delete(path).json()["result"] == {"id": held["id"]}
    assert code(api.get(path)) == code(api.delete(path)) == 81044


def test_email_routing_locks_the_mx(cloudflare: StandIn, api: httpx.Client) -> None:
    cloudflare.zones["example.test"].route_email()
    assert code(api.post("dns_records", json=mx())) == 890190
    locked = api.get("dns_records", params={"type": "MX"}).json()["result"]
    assert [record["meta"] for record in locked] == [{"email_routing": True}] * 3
    assert code(api.patch(f"dns_records/{locked[0]['id']}", json={"priority": 1})) == 890190
    (key,) = api.get("dns_records", params={"name": "cf2024-1._domainkey.example.test"}).json()["result"]
    assert key["meta"] == {"email_routing": True, "read_only": True}
    assert code(api.delete(f"dns_records/{key['id']}")) == 1043


def test_pages_are_as_long_as_asked_for(cloudflare: StandIn, api: httpx.Client) -> None:
    cloudflare.seed("example.test", *(a(name=f"n{number}") for number in range(120)))
    assert len(api.get("dns_records").json()["result"]) == 100
    second = api.get("dns_records", params={"per_page": 50, "page": 3}).json()
    assert (len(second["result"]), second["result_info"]["total_count"]) == (20, 120)
    assert code(api.get("dns_records", params={"per_page": 0})) == 1004


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, 9106),
        ({"authorization": "Bearer x"}, 6003),
        ({"authorization": "Basic eDp5"}, 6003),
        ({"authorization": "Bearer nobodys-token-0123456789"}, 9109),
        ({"authorization": f"Bearer {TOKEN}", "x-auth-email": "a@example.test"}, 9106),
    ],
)
def test_credentials_are_checked(cloudflare: StandIn, headers: dict[str, str], refused: int) -> None:
    url = f"{cloudflare.base_url}/zones?name=example.test"
    assert code(httpx.get(url, headers=headers, timeout=SECONDS)) == refused


def test_the_unfiltered_list_of_zones_is_refused(cloudflare: StandIn) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert code(httpx.get(f"{cloudflare.base_url}/zones", headers=headers, timeout=SECONDS)) == 0
    filtered = httpx.get(
        f"{cloudflare.base_url}/zones?name=example.test", headers=headers, timeout=SECONDS
    ).json()
    assert [zone["name"] for zone in filtered["result"]] == ["example.test"]


def test_the_rate_limit_says_when_to_come_again(cloudflare: StandIn, api: httpx.Client) -> None:
    cloudflare.api.limit = 1
    assert api.get("dns_records").status_code == 200
    limited = api.get("dns_records")
    assert limited.status_code == 429
    assert 0 < int(limited.headers["retry-after"]) <= 300


def test_a_change_is_in_the_zone_file_with_a_higher_serial(
    cloudflare: StandIn, api: httpx.Client, zones_dir: Path
) -> None:
    path = zones_dir / "example.test.zone"
    serial = cloudflare.zones["example.test"].serial
    api.post("dns_records", json=mx(ttl=600))
    lines = path.read_text().splitlines()
    assert "example.test. 600 IN MX 10 mx1.example.test." in lines
    assert cloudflare.zones["example.test"].serial > serial
    assert f" {cloudflare.zones['example.test'].serial} " in lines[1]


def test_an_mx_to_a_proxied_name_is_rewritten_as_cloudflare_does(
    cloudflare: StandIn, api: httpx.Client, zones_dir: Path
) -> None:
    cloudflare.seed("example.test", a(proxied=True), mx())
    text = (zones_dir / "example.test.zone").read_text()
    assert "IN MX 10 _dc-mx." in text
    assert "mx1.example.test. 300 IN A 104.16.0.1" in text


def test_it_runs_as_a_program_without_the_rest_of_the_lab_and_keeps_its_state(
    tmp_path: Path, zones_dir: Path
) -> None:
    for package in ("tests", "tests/lab"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "tests" / "lab" / "cloudflare").symlink_to(ROOT / "tests" / "lab" / "cloudflare")
    command = [sys.executable, "-m", "tests.lab.cloudflare", "--listen", "127.0.0.1:0", "--token", TOKEN]
    command += ["--zone", "example.test", "--nameserver", "ns1.test", "--zones-dir", str(zones_dir)]
    command += ["--state", str(tmp_path / "state.json"), "--reload", f"echo again >> {tmp_path / 'reloads'}"]
    headers = {"authorization": f"Bearer {TOKEN}"}
    for run in (1, 2):
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            base = process.stdout.readline().split()[-1]
            zone = httpx.get(f"{base}/zones?name=example.test", headers=headers, timeout=SECONDS).json()[
                "result"
            ][0]["id"]
            if run == 1:
                httpx.post(f"{base}/zones/{zone}/dns_records", headers=headers, json=mx(), timeout=SECONDS)
            kept = httpx.get(f"{base}/zones/{zone}/dns_records", headers=headers, timeout=SECONDS).json()[
                "result"
            ]
            process.terminate()
            assert process.wait(SECONDS) == 0
        assert [record["type"] for record in kept] == ["MX"]
    assert len((tmp_path / "reloads").read_text().splitlines()) == 3
    assert json.loads((tmp_path / "state.json").read_text())["zones"][0]["serial"] > 0


def test_many_clients_at_once_lose_nothing(cloudflare: StandIn) -> None:
    base = f"{cloudflare.base_url}/zones/{cloudflare.zones['example.test'].id}/dns_records"

    async def all_at_once() -> list[int]:
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}, timeout=SECONDS) as client:
            sent = (client.post(base, json=a(name=f"n{number}")) for number in range(40))
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    assert asyncio.run(all_at_once()) == [200] * 40
    assert len(cloudflare.records("example.test")) == 40
