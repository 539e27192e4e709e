"""The points about IPv6, DNSSEC and DANE: each holds, fails, or is unknown. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dns import tlsa
from dns.check.internet_nl.points import POINTS, Outcome
from dns.world.answers import BOGUS, Answer
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import ServerSeen
from dns.world.signed import Signed
from tests.dns.check.internet_nl.domain import (
    BROKEN,
    FAILS,
    HOLDS,
    ISSUER,
    LEAF,
    LOST,
    NEXT,
    OURS,
    PHASE_OUT,
    SECURE,
    UNKNOWN,
    UNSIGNED,
    differing,
    domain,
    hello,
    judged,
)
from tests.dns.check.judging.values import NAMES, SILENCE, V4, V6, answers, host, place, resolver
from tests.dns.check.judging.values import servers as nameservers


def test_every_point_holds_of_a_domain_that_is_as_the_test_wants_it() -> None:
    found = judged(domain(OURS, NEXT))
    assert set(found.values()) == {HOLDS}
    assert {code for code in POINTS if not code.startswith("starttls_tls_")} == set(found)


ONLY_4 = tuple(ServerSeen(Server(name, "1.0.0.1"), answers()) for name in NAMES)
ONE_6 = (*ONLY_4, ServerSeen(Server(NAMES[0], "::2"), answers()))
SILENT_6 = (*ONE_6, ServerSeen(Server(NAMES[1], "::3"), dict.fromkeys(answers(), SILENCE)))
ROUTE = (Server(NAMES[0], "::2"), Server(NAMES[1], "::3"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"servers": ONLY_4}, {"ipv6_ns_address": FAILS, "ipv6_ns_reach": FAILS}),
        ({"servers": ONE_6}, {"ipv6_ns_address": PHASE_OUT}),
        ({"servers": SILENT_6}, {"ipv6_ns_reach": FAILS}),
        ({"servers": ONLY_4, "without_route": ROUTE}, {"ipv6_ns_reach": UNKNOWN}),
        (
            {"servers": ONLY_4, "unlocated": (("c.d.net", "timeout"),)},
            {"ipv6_ns_address": UNKNOWN, "ipv6_ns_reach": UNKNOWN},
        ),
        ({"addresses": (place(V4, hello(LEAF)), place(V6, Greeting("timeout")))}, {"ipv6_mx_reach": FAILS}),
        (
            {
                "addresses": (place(V4, hello(LEAF)), place(V6, Greeting("timeout"))),
                "outbound_25": frozenset({4}),
            },
            {"ipv6_mx_reach": UNKNOWN},
        ),
        ({"addresses": (place(V4, hello(LEAF)), place(V6, None))}, {"ipv6_mx_reach": UNKNOWN}),
    ],
)
def test_ipv6(changes: dict[str, Any], expected: dict[str, Outcome]) -> None:
    assert differing(domain(OURS, NEXT, **changes)) == expected


@pytest.mark.parametrize(("aaaa", "outcome"), [(Answer(), FAILS), (SILENCE, UNKNOWN)])
def test_a_mail_host_without_ipv6(aaaa: Answer, outcome: Outcome) -> None:
    what = domain(OURS, NEXT)
    only_4 = replace(what.hosts[0], aaaa=aaaa)
    found = differing(replace(what, hosts=(only_4,), addresses=what.addresses[:1]))
    assert found == {"ipv6_mx_address": outcome, "ipv6_mx_reach": outcome}


@pytest.mark.parametrize(
    ("zone", "exists", "valid"), [(UNSIGNED, FAILS, FAILS), (BROKEN, HOLDS, FAILS), (LOST, UNKNOWN, UNKNOWN)]
)
def test_dnssec_exists_and_is_valid(zone: Signed, exists: Outcome, valid: Outcome) -> None:
    found = judged(domain(OURS, NEXT, zone=zone))
    assert found["dnssec_mailto_exist"] is found["dnssec_mx_exist"] is exists
    assert found["dnssec_mailto_valid"] is found["dnssec_mx_valid"] is valid


def test_signatures_that_a_resolver_refuses_are_not_valid() -> None:
    refused = resolver(MX=Answer(BOGUS))
    assert differing(domain(OURS, NEXT, resolvers=refused)) == {
        "dnssec_mailto_valid": FAILS,
        "dnssec_mx_valid": FAILS,
    }


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((OURS, ISSUER), {}),
        ((OURS,), {"starttls_dane_rollover": FAILS}),
        ((ISSUER,), {"starttls_dane_rollover": FAILS}),
        ((NEXT, tlsa.content("2" * 64)), {"starttls_dane_valid": FAILS}),
        (("0 0 1 " + "1" * 64,), dict.fromkeys(("exist", "valid", "rollover"), FAILS)),
        ((), dict.fromkeys(("exist", "valid", "rollover"), FAILS)),
    ],
)
def test_dane(texts: tuple[str, ...], expected: dict[str, Outcome]) -> None:
    full = {code if "_" in code else f"starttls_dane_{code}": outcome for code, outcome in expected.items()}
    assert differing(domain(*texts)) == full


def test_tlsa_that_nobody_answers_is_unknown_and_not_missing() -> None:
    silent = replace(domain(OURS), hosts=(host(tlsa=(SILENCE,), signed=SECURE),))
    assert differing(silent) == dict.fromkeys(
        ("starttls_dane_exist", "starttls_dane_valid", "starttls_dane_rollover"), UNKNOWN
    )


def test_an_mx_that_the_inventory_does_not_have_leaves_its_points_unknown() -> None:
    mx = answers(MX=Answer(values=frozenset({"10 mx.e.org", "20 mx.e.net"})))
    what = domain(OURS, NEXT, servers=nameservers(mx))
    assert UNKNOWN is judged(what)["ipv6_mx_address"] is judged(what)["starttls_dane_exist"]
