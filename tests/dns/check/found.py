"""What the tests of `dns.check` share: examining the small Internet, ways to fail, and every question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dns import check
from dns.check.findings import Finding
from dns.inventory import load
from tests.dns.example import DOMAIN
from tests.dns.loopback.nameserver import Fault
from tests.dns.loopback.world import SOA, World
from tests.lab.cloudflare import StandIn

FAULTS: dict[Fault, str] = {
    "SERVFAIL": "SERVFAIL",
    "REFUSED": "REFUSED",
    "NOTAUTH": "NOTAUTH",
    "FORMERR": "FORMERR",
    "NOTIMP": "NOTIMP",
    "lame": "not authoritative",
    "upwards": "sends the asker on to the nameservers of the root",
    "drop": "no answer (Timeout)",
    "cut short": "cut short over UDP, and over TCP EOFError",
}
QUICK = [fault for fault in FAULTS if fault not in ("drop", "cut short")]
ALL: tuple[str, str] = ("*", "*")
RICH: dict[str, Any] = {
    **DOMAIN,
    "sends_mail": False,
    "tls_reports": ["tls@example.org"],
    "caa": ["letsencrypt.org"],
}
POLICIES: tuple[dict[str, Any], ...] = (
    {"type": "TXT", "name": "@", "content": "v=spf1 -all"},
    {"type": "TXT", "name": "_dmarc", "content": "v=DMARC1; p=reject"},
    {"type": "TXT", "name": "_smtp._tls", "content": "v=TLSRPTv1; rua=mailto:tls@example.org"},
    {"type": "CAA", "name": "@", "data": {"flags": 0, "tag": "issue", "value": "letsencrypt.org"}},
)
QUESTIONS = [
    ("example.test", "MX"),
    ("mx1.example.test", "A"),
    ("mx1.example.test", "AAAA"),
    ("example.test", "TXT"),
    ("_dmarc.example.test", "TXT"),
    ("_smtp._tls.example.test", "TXT"),
    ("example.test", "CAA"),
]


def found(world: World, inventory: Path, domain: str = "example.test", **more: Any) -> list[Finding]:
    """The findings about the domain."""
    read = load(inventory)
    return check.examine(read, read.domain(domain), {}, **{"vantage": world.vantage, **more})[1]


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    """The group and code of each finding."""
    return [(finding.group, finding.code) for finding in findings]


def delegating(world: World, *lines: str) -> None:
    """Put these records into the registry, in place of the domain's delegation."""
    world.registry.zones["test"] = f"{SOA}@ 60 NS a.registry.test.\n" + "".join(f"{x}\n" for x in lines)


def only(world: World, inventory: Path, **more: Any) -> Finding:
    """The only finding about the domain."""
    (finding,) = found(world, inventory, **more)
    return finding


def published(cloudflare: StandIn, kind: str, **changes: Any) -> None:
    """Change the records of this type that the nameservers answer, as somebody else would."""
    for record in cloudflare.zones["example.test"].records.values():
        if record["type"] == kind:
            record.update(changes)
    cloudflare.publish()
