"""The stand-in's Workers and Universal SSL: shapes, refusals and records of the real API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dns.cloudflare.test_standin import code
from tests.dns.example import SECONDS, TOKEN
from tests.dns.loopback.world import EDGE4, EDGE6
from tests.lab.cloudflare import StandIn
from tests.lab.cloudflare.zones import ACCOUNT

HOST = "mta-sts.example.test"
SCRIPT = "export default { fetch() { return new Response('hello') } }"
METADATA: dict[str, Any] = {"main_module": "worker.js", "compatibility_date": "2026-11-01", "tags": ["a"]}


@pytest.fixture
def workers(cloudflare: StandIn) -> Iterator[httpx.Client]:
    """A plain HTTP client with the token, at the Workers of the account."""
    base = f"{cloudflare.base_url}/accounts/{ACCOUNT}/workers/"
    with httpx.Client(base_url=base, headers={"authorization": f"Bearer {TOKEN}"}, timeout=SECONDS) as client:
        yield client


def upload(workers: httpx.Client, name: str = "one", script: str = SCRIPT, **metadata: Any) -> httpx.Response:
    files = {
        "metadata": (None, json.dumps({**METADATA, **metadata}), "application/json"),
        "files": ("worker.js", script, "application/javascript+module"),
    }
    return workers.put(f"scripts/{name}", files=files)


def attach(
    workers: httpx.Client, cloudflare: StandIn, hostname: str = HOST, **changed: Any
) -> httpx.Response:
    sent = {"hostname": hostname, "service": "one", "zone_id": cloudflare.zones["example.test"].id, **changed}
    return workers.put("domains", json=sent)


def test_an_upload_is_answered_with_what_was_kept(workers: httpx.Client) -> None:
    made = upload(workers).json()["result"]
    assert (made["id"], made["tags"], made["handlers"]) == ("one", ["a"], ["fetch"])
    assert workers.get("scripts/one/settings").json()["result"]["tags"] == ["a"]


def test_a_script_that_is_not_there_is_refused(workers: httpx.Client) -> None:
    for refused in (workers.get("scripts/one/settings"), workers.delete("scripts/one")):
        assert (refused.status_code, code(refused)) == (404, 10007)


def test_a_deleted_script_leaves_no_body(workers: httpx.Client) -> None:
    upload(workers)
    deleted = workers.delete("scripts/one")
    assert (deleted.status_code, deleted.content) == (200, b"")


@pytest.mark.parametrize(
    ("name", "script", "metadata", "refused"),
    [
        ("One", SCRIPT, {}, 10016),
        ("x" * 64, SCRIPT, {}, 10016),
        ("a.b", SCRIPT, {}, 10016),
        ("one", "addEventListener", {}, 10068),
        ("one", SCRIPT, {"main_module": "other.js"}, 10021),
        ("one", SCRIPT, {"compatibility_date": "2999-01-01"}, 10021),
    ],
)
def test_a_wrong_upload_is_refused(
    workers: httpx.Client, name: str, script: str, metadata: dict[str, Any], refused: int
) -> None:
    assert code(upload(workers, name, script, **metadata)) == refused


def test_an_account_holds_a_hundred_workers(cloudflare: StandIn, workers: httpx.Client) -> None:
    upload(workers)
    (held,) = cloudflare.account.scripts.values()
    cloudflare.account.scripts |= {f"other-{number}": held for number in range(99)}
    assert upload(workers).status_code == 200
    assert code(upload(workers, "two")) == 10037


def test_a_custom_domain_has_a_record_that_only_its_worker_changes(
    cloudflare: StandIn, workers: httpx.Client, api: httpx.Client
) -> None:
    upload(workers)
    domain = attach(workers, cloudflare).json()["result"]
    (held,) = api.get("dns_records").json()["result"]
    assert (held["type"], held["name"], held["content"], held["proxied"]) == ("AAAA", HOST, "100::", True)
    assert held["meta"] == {"read_only": True, "origin_worker_id": domain["id"]}
    assert code(api.delete(f"dns_records/{held['id']}")) == 1043
    assert code(api.patch(f"dns_records/{held['id']}", json={"ttl": 60})) == 1043
    assert workers.delete(f"domains/{domain['id']}").json()["success"] is True
    assert api.get("dns_records").json()["result"] == []
    assert code(workers.delete(f"domains/{domain['id']}")) == 100114


def test_the_record_is_published_as_the_addresses_of_the_edge(
    cloudflare: StandIn, workers: httpx.Client, zones_dir: Path
) -> None:
    upload(workers)
    attach(workers, cloudflare)
    text = (zones_dir / "example.test.zone").read_text()
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(f"{HOST}.")] == [EDGE4, EDGE6]


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"service": "two"}, (404, 10007)),
        ({"hostname": "mta-sts.other.test"}, (400, 10082)),
        ({"zone_id": "f" * 32}, (404, 10083)),
    ],
)
def test_a_custom_domain_needs_its_script_and_its_zone(
    cloudflare: StandIn, workers: httpx.Client, changed: dict[str, str], refused: tuple[int, int]
) -> None:
    upload(workers)
    answer = attach(workers, cloudflare, **changed)
    assert (answer.status_code, code(answer)) == refused


@pytest.mark.parametrize("kind", ["A", "AAAA", "CNAME"])
def test_a_record_in_the_way_is_refused_whatever_the_flags(
    cloudflare: StandIn, workers: httpx.Client, kind: str
) -> None:
    content = {"A": "198.51.100.1", "AAAA": "2001:db8::1", "CNAME": "www.example.test"}[kind]
    cloudflare.seed("example.test", {"type": kind, "name": "mta-sts", "content": content})
    upload(workers)
    for flags in ({}, {"override_existing_dns_record": True}):
        refused = attach(workers, cloudflare, **flags)
        assert (refused.status_code, code(refused)) == (409, 100117)


def test_a_custom_domain_of_another_worker_is_taken_over_only_if_told(
    cloudflare: StandIn, workers: httpx.Client
) -> None:
    upload(workers)
    upload(workers, "two")
    first = attach(workers, cloudflare).json()["result"]
    refused = attach(workers, cloudflare, service="two")
    assert (refused.status_code, code(refused)) == (409, 100116)
    taken = attach(workers, cloudflare, service="two", override_existing_origin=True).json()["result"]
    assert taken == {**first, "service": "two"}


def test_a_token_without_the_right_sees_no_account(cloudflare: StandIn, workers: httpx.Client) -> None:
    cloudflare.add_token("plain-token-0123456789", listing=True)
    headers = {"authorization": "Bearer plain-token-0123456789"}
    for path in ("domains", "scripts/one/settings"):
        refused = workers.get(path, headers=headers)
        assert (refused.status_code, code(refused)) == (403, 10000)


@pytest.mark.parametrize(("account", "refused"), [("f" * 32, 10000), ("mine", 7003)])
def test_an_unknown_account_is_refused(cloudflare: StandIn, account: str, refused: int) -> None:
    url = f"{cloudflare.base_url}/accounts/{account}/workers/domains"
    assert code(httpx.get(url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=SECONDS)) == refused


def caa(name: str, value: str) -> dict[str, Any]:
    return {"type": "CAA", "name": name, "data": {"flags": 0, "tag": "issue", "value": value}}


def served_caa(zones_dir: Path, name: str) -> list[str]:
    lines = (zones_dir / "example.test.zone").read_text().splitlines()
    return [
        line.partition(" IN CAA ")[2] for line in lines if line.startswith(f"{name}. ") and " CAA " in line
    ]


def test_universal_ssl_widens_the_caa_that_is_served_and_not_what_the_api_shows(
    cloudflare: StandIn, api: httpx.Client, zones_dir: Path
) -> None:
    ours = "letsencrypt.org; accounturi=https://acme.test/1"
    cloudflare.seed("example.test", caa("mx1", ours))
    shown = api.get("dns_records").json()["result"]
    assert served_caa(zones_dir, "mx1.example.test") == [f'0 issue "{ours}"']
    assert api.patch("ssl/universal/settings", json={"enabled": True}).json()["result"]["enabled"] is True
    assert api.get("ssl/universal/settings").json()["result"]["enabled"] is True
    for name in ("mx1.example.test", "example.test"):
        assert '0 issue "letsencrypt.org"' in served_caa(zones_dir, name)
    assert f'0 issue "{ours}"' in served_caa(zones_dir, "mx1.example.test")
    assert api.get("dns_records").json()["result"] == shown


def test_universal_ssl_adds_nothing_where_no_caa_is(
    cloudflare: StandIn, api: httpx.Client, zones_dir: Path
) -> None:
    api.patch("ssl/universal/settings", json={"enabled": True})
    assert " CAA " not in (zones_dir / "example.test.zone").read_text()


def test_universal_ssl_is_a_right_of_its_own(cloudflare: StandIn, api: httpx.Client) -> None:
    cloudflare.add_token("plain-token-0123456789", listing=True)
    headers = {"authorization": "Bearer plain-token-0123456789"}
    assert code(api.get("ssl/universal/settings", headers=headers)) == 10000
    assert code(api.patch("ssl/universal/settings", json={"enabled": "yes"})) == 1001
