"""The lab's zone through Cloudflare's API: TLSA records as somebody publishes them by hand, and DNSSEC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.machines.machine import DEADLINE
from tests.lab.tls import signing

NAME = f"_25._tcp.{HOSTNAME}"
TTL = 60  # seconds, the shortest that Cloudflare takes


def publish(lab: Lab, *digests: str) -> None:
    """Make the host's TLSA records 3 1 1 of exactly these digests, and wait for no cache."""
    with _api(lab) as (api, zone):
        records = f"{zone}/dns_records"
        listed = _result(api.get(records, params={"per_page": 5000}))
        old = [{"id": each["id"]} for each in listed if each["type"] == "TLSA"]
        new = [{"type": "TLSA", "name": NAME, "ttl": TTL, "data": _data(digest)} for digest in digests]
        if old or new:
            _result(api.post(f"{records}/batch", json={"deletes": old, "posts": new}))
    lab.world.forget()
    signing.start_validating(lab.world)
    signing.forget(lab.world)


def switch_dnssec(lab: Lab, status: str) -> dict[str, Any]:
    """Switch DNSSEC on (`active`) or off (`disabled`) at Cloudflare. Returns what it answers."""
    with _api(lab) as (api, zone):
        found: dict[str, Any] = _result(api.patch(f"{zone}/dnssec", json={"status": status}))
        return found


def dnssec(lab: Lab) -> dict[str, Any]:
    """DNSSEC of the zone, as Cloudflare answers it."""
    with _api(lab) as (api, zone):
        found: dict[str, Any] = _result(api.get(f"{zone}/dnssec"))
        return found


@contextmanager
def _api(lab: Lab) -> Iterator[tuple[httpx.Client, str]]:
    """A client of the stand-in, and the path of the zone."""
    with httpx.Client(
        base_url=lab.environment["CLOUDFLARE_BASE_URL"],
        headers={"Authorization": f"Bearer {lab.environment['CLOUDFLARE_API_TOKEN']}"},
        timeout=DEADLINE,
    ) as api:
        yield api, f"/zones/{_result(api.get('/zones', params={'name': DOMAIN}))[0]['id']}"


def _data(digest: str) -> dict[str, object]:
    return {"usage": 3, "selector": 1, "matching_type": 1, "certificate": digest}


def _result(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()["result"]
