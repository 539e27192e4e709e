"""The lab's zone through Cloudflare's API: TLSA records as somebody publishes them by hand, and DNSSEC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.lab.lab import DOMAIN, HOSTNAME, Lab
from tests.lab.machines.machine import DEADLINE
from tests.lab.network import NS1, NS2
from tests.lab.tls import signing
from tests.waiting import wait_until

NAME = f"_25._tcp.{HOSTNAME}"
TTL = 60  # seconds, the shortest that Cloudflare takes


def publish(lab: Lab, *digests: str, forget: bool = True) -> None:
    """Make the host's TLSA records 3 1 1 of exactly these digests. If `forget`, caches forget older ones."""
    with _api(lab) as (api, zone):
        records = f"{zone}/dns_records"
        listed = _result(api.get(records, params={"per_page": 5000}))
        old = [{"id": each["id"]} for each in listed if each["type"] == "TLSA"]
        new = [{"type": "TLSA", "name": NAME, "ttl": TTL, "data": _data(digest)} for digest in digests]
        if old or new:
            _result(api.post(f"{records}/batch", json={"deletes": old, "posts": new}))
    if forget:
        lab.world.forget()
        signing.start_validating(lab.world)
        signing.forget(lab.world)


@contextmanager
def text(lab: Lab, name: str, value: str) -> Iterator[None]:
    """A TXT record with this value, which both nameservers serve as long as the context lasts."""
    with _api(lab) as (api, zone):
        sent = {"type": "TXT", "name": name, "content": f'"{value}"', "ttl": TTL}
        made = _result(api.post(f"{zone}/dns_records", json=sent))
        try:
            yield
        finally:
            _result(api.delete(f"{zone}/dns_records/{made['id']}"))


def set_text(lab: Lab, name: str, *values: str) -> None:
    """Make the TXT records of this name exactly these. Caches keep older ones for their TTL."""
    with _api(lab) as (api, zone):
        records = f"{zone}/dns_records"
        listed = _result(api.get(records, params={"per_page": 5000, "type": "TXT", "name": name}))
        old = [{"id": each["id"]} for each in listed]
        new = [{"type": "TXT", "name": name, "content": f'"{value}"', "ttl": TTL} for value in values]
        if old or new:
            _result(api.post(f"{records}/batch", json={"deletes": old, "posts": new}))


def set_caa(lab: Lab, name: str, *authorities: str) -> None:
    """Let exactly these authorities issue certificates for the name."""
    with _api(lab) as (api, zone):
        records = f"{zone}/dns_records"
        listed = _result(api.get(records, params={"per_page": 5000, "type": "CAA", "name": name}))
        old = [{"id": each["id"]} for each in listed]
        new = [
            {"type": "CAA", "name": name, "ttl": TTL, "data": {"flags": 0, "tag": "issue", "value": each}}
            for each in authorities
        ]
        if old or new:
            _result(api.post(f"{records}/batch", json={"deletes": old, "posts": new}))


def delete(lab: Lab, kind: str, name: str) -> None:
    """Delete the records of this type and name by hand."""
    with _api(lab) as (api, zone):
        for each in _result(api.get(f"{zone}/dns_records", params={"type": kind, "name": name})):
            _result(api.delete(f"{zone}/dns_records/{each['id']}"))


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


def set_automatic_ttl(lab: Lab, seconds: int) -> None:
    """Let Cloudflare serve records with an automatic TTL with this one, from now on."""
    edit = f"sed -i 's/--automatic-ttl [0-9]*/--automatic-ttl {seconds}/' /etc/lab-cloudflare"
    lab.world.run(f"{edit} && systemctl restart cloudflare.service")

    def is_served() -> bool:
        try:
            dnssec(lab)
        except httpx.TransportError:  # it has not begun to listen
            return False
        shown = lab.world.run(["kdig", "+noall", "+answer", f"@{lab.network.address4(NS2)}", HOSTNAME, "A"])
        return shown.stdout.split()[1:2] == [str(seconds)]

    wait_until(is_served, f"the nameservers serve a TTL of {seconds} s")


def served(lab: Lab) -> frozenset[str]:
    """The digests of the TLSA records 3 1 1 that both nameservers serve. They must be the same."""
    found = set()
    for number in (NS1, NS2):
        shown = lab.world.run(["kdig", "+short", f"@{lab.network.address4(number)}", NAME, "TLSA"]).stdout
        words = [line.split(None, 3) for line in shown.splitlines()]
        found.add(
            frozenset(each[3].replace(" ", "").lower() for each in words if each[:3] == ["3", "1", "1"])
        )
    (one,) = found
    return one


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
