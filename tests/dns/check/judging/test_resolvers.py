"""What is wrong with signatures and caches is found once, with its fix."""

from __future__ import annotations

import pytest

from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.nameservers import Server
from dns.world.seen import Seen, ServerSeen
from tests.dns.check.judging.values import NAMES, answers, judge, resolver, seen, servers, silent

REFUSING = (*resolver(MX=Answer("BOGUS")), *resolver("1.1.1.1", A=Answer("BOGUS")))


@pytest.mark.parametrize(
    ("wrong", "group", "code", "said"),
    [
        (seen(resolvers=resolver(MX=Answer("BOGUS"))), "required", "bogus", "9.9.9.9"),
        (seen(resolvers=resolver(MX=Answer("SERVFAIL"))), "unknown", "resolver", "SERVFAIL"),
        (
            seen(resolvers=(*resolver(), *resolver("8.8.8.8", MX=Answer("SERVFAIL")))),
            "advised",
            "resolver",
            "resolver 8.8.8.8 gives no answer: e.org MX: SERVFAIL",
        ),
        (seen(resolvers=resolver(A=Answer("NXDOMAIN", ttl=1800))), "advised", "stale", "for 1800 s more"),
        (seen(key_ds=frozenset({"2 13 2 cd"})), "required", "ds", "replace it by e.org. DS 1 13 2 AB"),
        (
            seen(delegation=Delegation("e.org", "org", NAMES, ds=frozenset())),
            "advised",
            "ds-missing",
            "add e.org. DS 1 13 2 AB",
        ),
        (seen(key_ds=None, resolvers=()), "unknown", "ds", "it is not known whether one of them matches"),
        (
            seen(key_ds=None, servers=servers(answers(DNSKEY=Answer("SERVFAIL")))),
            "unknown",
            "ds",
            f"{NAMES[1]} (1.0.0.1): SERVFAIL",
        ),
        (
            seen(delegation=Delegation("e.org", "org", NAMES), resolvers=()),
            "unknown",
            "ds",
            "does not answer whether",
        ),
        (
            seen(
                key_ds=frozenset(),
                resolvers=(*resolver(MX=Answer("BOGUS")), *resolver("1.1.1.1", A=Answer("BOGUS"))),
            ),
            "required",
            "ds",
            "the zone has no key, because it is not signed",
        ),
        (
            seen(resolvers=REFUSING),
            "required",
            "bogus",
            "resolver 9.9.9.9, 1.1.1.1 refuses",
        ),
        (
            seen(resolvers=(*resolver("192.168.1.1", MX=Answer("BOGUS")), *resolver())),
            "advised",
            "bogus",
            "and public resolvers do not",
        ),
        (
            seen(resolvers=tuple(ServerSeen(Server("resolver", f"9.9.9.{n}"), silent()) for n in (9, 10))),
            "unknown",
            "resolver",
            "none of 2 resolvers answers",
        ),
        (
            seen(resolvers=(*resolver(A=Answer(ttl=60)), *resolver("8.8.8.8", A=Answer(ttl=90)))),
            "advised",
            "stale",
            "resolver 9.9.9.9, 8.8.8.8 still has old answers, for 90 s more",
        ),
        (
            seen(resolvers=(*resolver(A=Answer()), *resolver("8.8.8.8"))),
            "advised",
            "resolver",
            "resolver 9.9.9.9 answers otherwise than the nameservers, and not from a cache",
        ),
        (
            seen(resolvers=resolver(A=Answer(ttl=60)), expired=frozenset({"9.9.9.9"})),
            "unknown",
            "resolver",
            "it changes answers",
        ),
    ],
)
def test_what_is_wrong_is_found_once_with_its_fix(wrong: Seen, group: str, code: str, said: str) -> None:
    (finding,) = judge(wrong)
    assert (finding.group, finding.code) == (group, code)
    assert said in str(finding)
