"""What is right makes no finding, and everything that is wrong is reported at the same time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dns.check import report
from dns.check.zone_parts.old_answers import OldAnswers
from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import Seen, ServerSeen
from tests.dns.check.judging.values import (
    AAAA,
    MX,
    NAMES,
    V4,
    V6,
    A,
    answers,
    host,
    judge,
    place,
    resolver,
    seen,
    servers,
    silent,
)

NO_KEYS = seen(delegation=Delegation("e.org", "org", NAMES, ds=frozenset()), key_ds=frozenset(), ds_to_set="")


@pytest.mark.parametrize(
    "right",
    [
        seen(),
        pytest.param(NO_KEYS, id="an unsigned zone"),
        pytest.param(seen(key_ds=None), id="keys that could not be asked for"),
        pytest.param(
            seen(delegation=Delegation("e.org", "org", NAMES, ds=frozenset({"1 8 9 ab"}))),
            id="a DS by a digest that is not known here",
        ),
        pytest.param(seen(own_nameservers=()), id="without a token nobody knows Cloudflare's names"),
        pytest.param(seen(addresses=(place(V4), place(V6, None))), id="no IPv6 from here"),
        pytest.param(
            seen(addresses=(place(V4, pointers=None),)), id="reverse DNS that could not be asked for"
        ),
        pytest.param(
            seen(addresses=(place(V4, pointers={"static-25.isp.net": frozenset({V4})}),)),
            id="a reverse name that is the provider's, and leads back",
        ),
        pytest.param(
            seen(addresses=(place("10.0.0.1", pointers={}),)), id="a private address has no reverse DNS"
        ),
        pytest.param(
            seen(resolvers=(*resolver(), ServerSeen(Server("resolver", "1.1.1.1"), silent()))),
            id="a resolver that cannot be asked, beside one that can",
        ),
        pytest.param(seen(hosts=(host(in_zone=False),)), id="a host of another zone"),
        pytest.param(seen(hosts=(host(in_zone=False, ipv6=None),)), id="an address that is not known"),
        pytest.param(seen(without_route=(Server(NAMES[0], "::3"),)), id="a nameserver without a route"),
        pytest.param(
            seen(addresses=(place(V4, pointers={"x.net": None}),)),
            id="a reverse name that could not be looked up",
        ),
        pytest.param(
            seen(addresses=(place(V4, pointers={"x.net": None, "mx.e.org": frozenset({V4})}),)),
            id="a reverse name that could not be looked up, beside one that leads back",
        ),
        pytest.param(
            seen(delegation=Delegation("e.org", "org", NAMES, ds=frozenset()), key_ds=None, ds_to_set=""),
            id="keys that could not be asked for, of a zone whose parent has no DS",
        ),
    ],
)
def test_what_is_right_is_silent(right: Seen) -> None:
    assert judge(right) == []


def test_every_record_too_many_is_reported_at_once() -> None:
    two = Answer(values=MX.values | {"5 old.net", "20 other.net"})
    wrong = judge(seen(servers=servers(answers(MX=two))))
    assert [(finding.code, finding.fix.split()[-1]) for finding in wrong] == [
        ("mx-surplus", "other.net"),
        ("mx-surplus", "old.net"),
    ]


def test_every_record_that_is_missing_is_reported_at_once() -> None:
    two = (replace(MX, values=MX.values | {"20 mx2.e.org"}), A, AAAA)
    wrong = judge(seen(expected=two, servers=servers(answers(MX=Answer())), resolvers=()))
    assert [finding.problem for finding in wrong] == [
        "e.org. MX 10 mx.e.org.: is missing",
        "e.org. MX 20 mx2.e.org.: is missing",
    ]


def test_two_servers_that_fail_otherwise_are_two_findings_and_the_third_is_judged() -> None:
    refused, failed = silent("REFUSED"), silent("SERVFAIL")
    three = [
        (NAMES[0], "1.0.0.1", refused),
        (NAMES[1], "1.0.0.2", failed),
        (NAMES[1], "1.0.0.3", answers(A=Answer())),
    ]
    wrong = judge(seen(servers=tuple(ServerSeen(Server(name, at), said) for name, at, said in three)))
    assert [finding.code for finding in wrong] == ["nameserver-silent", "nameserver-silent", "missing"]
    assert "(1.0.0.1)" in wrong[0].problem
    assert "REFUSED" in wrong[0].problem
    assert "(1.0.0.2)" in wrong[1].problem
    assert "SERVFAIL" in wrong[1].problem
    assert wrong[2].problem.endswith(f"is missing at {NAMES[1]} (1.0.0.3)")


def test_if_the_root_cannot_be_asked_silence_is_explained_and_wrong_values_are_unknown() -> None:
    lost = {"delegation": None, "lost": "barred"}
    assert [f.code for f in judge(seen(servers=servers(silent("REFUSED")), **lost))] == ["delegation"]
    wrong = judge(seen(servers=servers(answers(A=Answer(values=frozenset({"10.0.0.1"})))), **lost))
    assert [(finding.group, finding.code) for finding in wrong] == [
        ("unknown", "delegation"),
        ("unknown", "address-surplus"),
    ]
    assert "--replace" not in wrong[1].fix


def test_a_resolver_that_denies_everything_proves_nothing_of_reverse_dns() -> None:
    barred = seen(
        delegation=None, lost="barred", servers=(), resolvers=(), addresses=(place(V4, pointers={}),)
    )
    assert [finding.code for finding in judge(barred)] == ["delegation"]
    assert f"reverse DNS could not be looked up: {V4}" in report.remarks(barred)


def test_a_resolver_that_changes_answers_is_told_from_one_with_old_answers() -> None:
    old_answers = OldAnswers()
    old = seen(resolvers=(*resolver(A=Answer(ttl=60)), *resolver("8.8.8.8", A=Answer(ttl=20))))
    assert old_answers.expired(old, 100.0) == frozenset()
    assert old_answers.expired(old, 131.0) == {"8.8.8.8"}
    assert old_answers.expired(old, 171.0) == {"9.9.9.9", "8.8.8.8"}
    other = seen(resolvers=resolver(A=Answer(values=frozenset({"1.2.3.4"}), ttl=60)))
    assert old_answers.expired(other, 172.0) == frozenset()


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    wrong = seen(
        key_ds=frozenset({"2 13 2 cd"}),
        servers=servers(answers(A=Answer())),
        addresses=(place(V4, Greeting("refused")), place(V6, pointers={})),
    )
    assert [finding.code for finding in judge(wrong)] == ["missing", "ds", "port-25", "reverse"]
