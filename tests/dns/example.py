"""What the tests of this room share: an example inventory, the records that it makes, what a run says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.dns.loopback.world import MAIL4, MAIL6
from tests.lab.cloudflare import StandIn

ROOT = Path(__file__).parents[2]
TOKEN = "lab-token-0123456789"
SECONDS = 60  # for an answer, on a busy machine
HOST: dict[str, Any] = {
    "public_ipv4": "198.18.0.25",
    "public_ipv6": "fd00::25",
    "allow_private_address": True,
}
OURS: dict[str, Any] = {**HOST, "public_ipv4": MAIL4, "public_ipv6": MAIL6}
"""The same host, at the addresses where the small Internet has a mail host."""
DOMAIN: dict[str, Any] = {"mailboxes": ["alice"], "aliases": {"postmaster": ["alice"]}}

RIGHT: tuple[dict[str, Any], ...] = (
    {"type": "MX", "name": "@", "content": "mx1.example.test", "priority": 10},
    {"type": "A", "name": "mx1", "content": MAIL4},
    {"type": "AAAA", "name": "mx1", "content": MAIL6},
)
"""The records for OURS, as the stand-in takes them."""
WANTED = {
    ("MX", "example.test", "mx1.example.test", 10),
    ("A", "mx1.example.test", "198.18.0.25", None),
    ("AAAA", "mx1.example.test", "fd00::25", None),
}
"""The records for HOST, as `values` returns them."""

Run = Callable[..., tuple[int, str, str]]
"""`dns.sync` with these arguments: exit code, stdout, stderr."""


def inventory_text(hosts: dict[str, dict[str, Any]], domains: dict[str, dict[str, Any]]) -> str:
    """An inventory.py with these hosts and domains."""
    return f"mail_hosts = ({list(hosts.items())!r}, {{'domains': {domains!r}}})\n"


def values(standin: StandIn, zone: str = "example.test") -> set[tuple[Any, ...]]:
    """Type, name, content and priority of every record in the zone."""
    return {(r["type"], r["name"], r["content"], r.get("priority")) for r in standin.records(zone)}


def frozen(standin: StandIn, ids: set[str], zone: str = "example.test") -> str:
    """These records in full, to compare before and after."""
    return json.dumps([r for r in standin.records(zone) if r["id"] in ids], sort_keys=True)


def only_line(ran: tuple[int, str, str]) -> str:
    """The only line on stderr of a run that failed with exit code 1."""
    code, _, err = ran
    assert code == 1
    (line,) = err.splitlines()
    return line
