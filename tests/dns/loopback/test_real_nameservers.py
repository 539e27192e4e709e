"""The nameserver of these tests answers as real ones do, and `dns.check` finds the same with both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dns.message import Message

from dns import check, flags, rcode, rdatatype
from dns.inventory import load
from dns.world import asking
from dns.world.expected import Expected, mismatch
from tests.dns.loopback import real_nameservers
from tests.dns.loopback.nameserver import Nameserver
from tests.dns.loopback.world import MAIL4, MAIL6, SOA, World

ZONE = f"""{SOA}@ 60 NS ns1
@ 60 NS ns.out.test.
ns1 60 A 192.0.2.53
@ 60 MX 10 mx
mx 60 A 192.0.2.1
@ 60 TXT "v=spf1 -all"
alias 60 CNAME second
second 60 CNAME mx
away 60 CNAME mx.out.test.
gone 60 CNAME nothing
loop1 60 CNAME loop2
loop2 60 CNAME loop1
below 60 NS ns.below
below 60 NS ns.out.test.
ns.below 60 A 192.0.2.7
below 60 DS 1 13 2 {"ab" * 32}
unsigned 60 NS ns.out.test.
down 60 CNAME x.below
a.b.ent 60 A 192.0.2.8
*.wild 60 A 192.0.2.9
{"".join(f'many 60 TXT "{n}{"x" * 200}"' + chr(10) for n in range(9))}"""
QUESTIONS = [
    *(("example.test", kind) for kind in ("MX", "TXT", "SOA", "NS", "AAAA", "DS", "DNSKEY")),
    *((f"{name}.example.test", "A") for name in ("mx", "alias", "second", "away", "gone", "nothing")),
    *((f"{name}.example.test", "A") for name in ("b.ent", "below", "x.below", "down", "q.wild", "a.q.wild")),
    *((f"{name}.example.test", "AAAA") for name in ("mx", "alias", "q.wild")),
    *(("below.example.test", kind) for kind in ("NS", "DS")),
    ("unsigned.example.test", "DS"),
    ("alias.example.test", "CNAME"),
    ("many.example.test", "TXT"),
    ("other.test", "A"),
    (".", "NS"),
]
INSTALLED = [name for name in real_nameservers.COMMANDS if real_nameservers.is_installed(name)]


def told(answer: Message) -> dict[str, Any]:
    """The part of an answer that matters. Real servers add more, each in its own way."""

    def lines(section: str, *kinds: rdatatype.RdataType) -> list[str]:
        wanted = [rrset for rrset in getattr(answer, section) if not kinds or rrset.rdtype in kinds]
        return sorted(
            f"{rrset.name} {rdatatype.to_text(rrset.rdtype)} {one}" for rrset in wanted for one in rrset
        )

    is_referral = not answer.flags & flags.AA
    return {
        "status": rcode.to_text(answer.rcode()),
        "AA": bool(answer.flags & flags.AA),
        "RA": bool(answer.flags & flags.RA),
        "answer": lines("answer"),
        "denial": lines("authority", rdatatype.SOA),
        "lifetime of the denial": [r.ttl for r in answer.authority if r.rdtype == rdatatype.SOA],
        "referral": lines("authority", rdatatype.NS) if is_referral else [],
        "glue": lines("additional", rdatatype.A, rdatatype.AAAA) if is_referral else [],
    }


@pytest.fixture
def ours(patient: None) -> Iterator[Nameserver]:
    """The nameserver of these tests, with the zone."""
    with Nameserver(None, {}, zones={"example.test": ZONE}) as server:
        yield server


@pytest.mark.skipif(not INSTALLED, reason="no real nameserver is installed (apt-get install nsd)")
@pytest.mark.parametrize("program", INSTALLED)
def test_ours_answers_as_a_real_one(program: str, ours: Nameserver, tmp_path: Path) -> None:
    zones = {"example.test": ZONE}
    with real_nameservers.running(program, tmp_path, zones, ["127.0.0.1"]) as port:
        for name, kind in QUESTIONS:
            theirs = told(asking.exchange("127.0.0.1", name, kind, port=port))
            assert told(asking.exchange("127.0.0.1", name, kind, port=ours.port)) == theirs, (name, kind)


@pytest.mark.skipif(not INSTALLED, reason="no real nameserver is installed (apt-get install nsd)")
@pytest.mark.parametrize("program", INSTALLED)
def test_an_alias_that_leads_to_itself_is_read_alike_from_all(
    program: str, ours: Nameserver, tmp_path: Path
) -> None:
    zones = {"example.test": ZONE}
    with real_nameservers.running(program, tmp_path, zones, ["127.0.0.1"]) as theirs:
        for port in (theirs, ours.port):
            answer = asking.ask("127.0.0.1", "loop1.example.test", "A", port=port)
            asked = Expected("loop1.example.test", "A", frozenset())
            assert mismatch(asked, answer) == "loop1.example.test A: is an alias of loop2.example.test"


RIGHT = f"{SOA}@ 60 NS ns.real.test.\n@ 60 MX 10 mx1\n"
HOST = f"mx1 60 A {MAIL4}\nmx1 60 AAAA {MAIL6}\n"
BROKEN = {
    "right": (RIGHT + HOST, []),
    "an alias, with the whole chain in the answer": (
        RIGHT + HOST.replace("mx1", "real") + "mx1 60 CNAME real\n",
        ["alias"],
    ),
    "an alias of a name in another zone": (RIGHT + "mx1 60 CNAME mx.out.test.\n", ["alias"]),
    "an alias of nothing": (RIGHT + "mx1 60 CNAME nothing\n", ["alias"]),
    "aliases in a circle": (RIGHT + "mx1 60 CNAME mx2\nmx2 60 CNAME mx1\n", ["alias"]),
    "a delegation below the zone": (RIGHT + "mx1 60 NS ns.nowhere.test.\n", ["shadowed"]),
    "a record that is missing": (RIGHT + HOST.splitlines()[0] + "\n", ["missing"]),
    "a zone that cannot be loaded": ("", ["nameserver-silent"]),
    "a zone that it does not have": (None, ["nameserver-silent"]),
}


@pytest.mark.skipif(not INSTALLED, reason="no real nameserver is installed (apt-get install nsd)")
@pytest.mark.parametrize("program", [name for name in INSTALLED if name != "named"])
@pytest.mark.parametrize(("zone", "codes"), BROKEN.values(), ids=BROKEN)
def test_check_finds_with_a_real_nameserver_what_is_wrong(
    program: str, zone: str | None, codes: list[str], world: World, inventory: Path, tmp_path: Path
) -> None:
    address = "127.83.0.81"
    world.registry.zones["test"] = f"{SOA}@ 60 NS a.registry.test.\nexample.test. 60 NS ns.real.test.\n"
    world.resolver.zones["real.test"] = f"{SOA}ns 60 A {address}\n"
    world.resolver.zones["example.test"], world.resolver.folder = RIGHT + HOST, None
    zones = {"alive.test": RIGHT} | ({} if zone is None else {"example.test": zone})
    folder = tmp_path / program
    folder.mkdir()
    read = load(inventory)
    with real_nameservers.running(program, folder, zones, [address], world.root.port):
        found = check.examine(read, read.domain("example.test"), {}, vantage=world.vantage)[1]
    assert [finding.code for finding in found] == codes
