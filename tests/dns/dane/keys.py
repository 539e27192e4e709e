"""Keys of mail hosts for these tests: digests, and what a host answers about its keys."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from dns.dane.facts import Outside
from dns.inventory import Inventory, from_hosts
from dns.inventory.host_keys import HostKeys
from dns.world.greeting import Greeting
from dns.world.signed import Signed
from tests.dns.example import DOMAIN, HOST
from tests.lab.cloudflare import StandIn

FIRST, SECOND, THIRD, FOURTH = (digit * 64 for digit in "1234")
NAME = "_25._tcp.mx1.example.test"
BOTH = HostKeys(FIRST, SECOND, frozenset({FIRST}))
AFTER_REKEY = HostKeys(SECOND, THIRD, frozenset({SECOND}))


def inventory(hosts: Iterable[str] = ("mx1.example.test",), **domains: bool) -> Inventory:
    """Hosts, and domains with whether each asks for DANE: `example_test=True`."""
    named = {name.replace("_", "."): dane for name, dane in (domains or {"example_test": True}).items()}
    data = {name: {**DOMAIN, "dane": dane} for name, dane in named.items()}
    return from_hosts(
        (name, {**HOST, "public_ipv4": f"198.18.0.{25 + number}", "public_ipv6": False, "domains": data})
        for number, name in enumerate(hosts)
    )


NO_ANSWER = Greeting("timeout")


def outside(
    secure: bool | None = True, reason: str = "has no DS at test", greeting: Greeting = NO_ANSWER
) -> Outside:
    """A world that says this of the zone, and greets so at every address."""
    return Outside(lambda zone: Signed(zone, secure, "" if secure else reason), lambda address: greeting)


def greeting_with(certificate: bytes, name: str = "mx1.example.test") -> Greeting:
    return Greeting(code=220, text=f"{name} ESMTP", certificate=base64.b64encode(certificate).decode())


def published(cloudflare: StandIn, name: str = NAME, zone: str = "example.test") -> list[str]:
    """The digests of the TLSA at the name, in the order of the letters in which they are written."""
    found = [r["data"] for r in cloudflare.records(zone) if (r["type"], r["name"]) == ("TLSA", name)]
    return sorted(str(data["certificate"]).lower() for data in found)


def tlsa(digest: str, name: str = "_25._tcp.mx1", **changes: Any) -> dict[str, Any]:
    """A TLSA record as the stand-in takes it."""
    data = {"usage": 3, "selector": 1, "matching_type": 1, "certificate": digest}
    return {"type": "TLSA", "name": name, "data": data, **changes}
