"""TLSA records of the lab's host, as somebody publishes them through Cloudflare's API by hand."""

from __future__ import annotations

import httpx

from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.machines.machine import DEADLINE
from tests.lab.tls import signing

NAME = f"_25._tcp.{HOSTNAME}"
TTL = 60  # seconds, the shortest that Cloudflare takes


def publish(lab: Lab, *digests: str) -> None:
    """Make the host's TLSA records 3 1 1 of exactly these digests, and wait for no cache."""
    with httpx.Client(
        base_url=lab.environment["CLOUDFLARE_BASE_URL"],
        headers={"Authorization": f"Bearer {lab.environment['CLOUDFLARE_API_TOKEN']}"},
        timeout=DEADLINE,
    ) as api:
        zone = f"/zones/{_result(api.get('/zones', params={'name': DOMAIN}))[0]['id']}/dns_records"
        old = [each for each in _result(api.get(zone, params={"per_page": 5000})) if each["type"] == "TLSA"]
        new = [{"type": "TLSA", "name": NAME, "ttl": TTL, "data": _data(digest)} for digest in digests]
        if old or new:
            _result(api.post(f"{zone}/batch", json={"deletes": [{"id": e["id"]} for e in old], "posts": new}))
    lab.world.forget()
    signing.start_validating(lab.world)
    signing.forget(lab.world)


def _data(digest: str) -> dict[str, object]:
    return {"usage": 3, "selector": 1, "matching_type": 1, "certificate": digest}


def _result(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.is_success, answer.text
    found: list[dict[str, str]] = answer.json()["result"]
    return found
