"""What is wrong between a zone and its parent is found once, with its fix."""

from __future__ import annotations

import pytest

from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.seen import Seen
from tests.dns.check.judging.values import NAMES, answers, judge, seen, servers, silent

ABSENT = Delegation("co.org", "org", ("ns.registry.org",), ds=frozenset(), absent=True)
OWN = ("ns1.e.org", "ns2.e.org")
OTHER_NS = answers(NS=Answer(values=frozenset({"ns.old.net"})))


@pytest.mark.parametrize(
    ("wrong", "group", "code", "said"),
    [
        (seen(delegation=None, lost="no route"), "unknown", "delegation", "no route"),
        (
            seen(delegation=Delegation("e.org", "org", ("ns.old.net", *NAMES))),
            "advised",
            "delegation",
            "set its nameservers at the registrar to ann.ns.cloudflare.com and bob.ns.cloudflare.com",
        ),
        (seen(without_address=(NAMES[1],)), "required", "nameserver-address", NAMES[1]),
        (seen(servers=servers(OTHER_NS)), "advised", "nameservers-differ", "ns.old.net"),
        (seen(servers=()), "unknown", "nameservers", "cannot be asked from here"),
        (
            seen(delegation=Delegation("e.org", "org", ("ns.old.net",)), servers=servers(silent("REFUSED"))),
            "required",
            "delegation",
            "set its nameservers at the registrar to ann",
        ),
        (
            seen(zone="co.org", own_nameservers=(), delegation=ABSENT),
            "required",
            "delegation",
            "the nameservers of co.org say that this name does not exist",
        ),
        (
            seen(delegation=Delegation("e.org", "org", OWN, glueless=OWN), servers=()),
            "required",
            "glue",
            "set the addresses of ns1.e.org and ns2.e.org",
        ),
        (
            seen(servers=(), without_address=NAMES),
            "required",
            "nameserver-address",
            "have no address",
        ),
        (
            seen(servers=(), unlocated=((NAMES[0], "SERVFAIL"), (NAMES[1], "SERVFAIL"))),
            "unknown",
            "nameservers",
            "cannot be looked up (SERVFAIL)",
        ),
        (
            seen(unlocated=((NAMES[1], "SERVFAIL"),)),
            "unknown",
            "nameserver-address",
            f"nameserver {NAMES[1]} cannot be looked up",
        ),
    ],
)
def test_what_is_wrong_is_found_once_with_its_fix(wrong: Seen, group: str, code: str, said: str) -> None:
    (finding,) = judge(wrong)
    assert (finding.group, finding.code) == (group, code)
    assert said in str(finding)
