"""What is wrong with mail hosts, port 25 and reverse DNS is found once, with its fix."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dns.world.answers import Answer
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import Seen
from tests.dns.check.judging.values import HELLO, MX, OTHER_ZONE, V4, V6, A, host, judge, place, seen

BY_RESOLVER: dict[str, Any] = {"in_zone": False, "a": Answer(authoritative=False)}
PRIVATE = Answer(values=frozenset({"10.0.0.9"}))


@pytest.mark.parametrize(
    ("wrong", "group", "code", "said"),
    [
        (
            seen(hosts=(host(Answer(values=A.values, alias="x.net"), **OTHER_ZONE),)),
            "required",
            "alias",
            "x.net",
        ),
        (
            seen(hosts=(host(Answer("NXDOMAIN"), Answer("NXDOMAIN"), **OTHER_ZONE),)),
            "required",
            "no-address",
            f"mx.e.org. A {V4}",
        ),
        (seen(hosts=(host(Answer(), **OTHER_ZONE),)), "required", "missing", f"mx.e.org. A {V4}"),
        (
            seen(hosts=(host(Answer(values=A.values | {"8.8.8.8"}), **OTHER_ZONE),)),
            "required",
            "address-surplus",
            "8.8.8.8",
        ),
        (
            seen(hosts=(host(Answer(values=A.values | {"104.16.0.9"}), **OTHER_ZONE),)),
            "required",
            "proxied",
            "104.16.0.9",
        ),
        (
            seen(hosts=(host(Answer("SERVFAIL"), Answer("SERVFAIL"), **OTHER_ZONE),)),
            "unknown",
            "address",
            "SERVFAIL",
        ),
        (
            seen(hosts=(host(PRIVATE, ipv4=PRIVATE.values, **OTHER_ZONE),)),
            "required",
            "private",
            "10.0.0.9 is a private address",
        ),
        (
            seen(addresses=(place(V4, Greeting("timeout")), place(V6))),
            "required",
            "port-25",
            "open 25/tcp",
        ),
        (
            seen(addresses=(place(V4, Greeting("timeout")),), outbound_25=frozenset({6})),
            "unknown",
            "port-25",
            "this network probably blocks port 25",
        ),
        (seen(addresses=(place(V4, None),)), "unknown", "port-25", "no route from here"),
        (seen(addresses=(place(V4, Greeting("refused")),)), "required", "port-25", "letterbox.socket"),
        (seen(addresses=(place(V4, Greeting("silent")),)), "required", "port-25", "says nothing"),
        (seen(addresses=(place(V4, replace(HELLO, code=421)),)), "required", "greeting", "421"),
        (seen(addresses=(place(V4, replace(HELLO, text="")),)), "required", "greeting-name", "nobody"),
        (seen(addresses=(place(V4, replace(HELLO, tls=None)),)), "advised", "starttls", "not offer"),
        (seen(addresses=(place(V4, replace(HELLO, tls="EOF")),)), "required", "starttls", "EOF"),
        (
            seen(addresses=(place(V4, pointers={}),)),
            "advised",
            "reverse",
            "25.108.199.185.in-addr.arpa. PTR mx.e.org.",
        ),
        (
            seen(addresses=(place(V4, pointers={"x.net": frozenset({"8.8.8.8"})}),)),
            "advised",
            "reverse",
            "does not lead back",
        ),
        (seen(unread=("host mx: no ssh",)), "unknown", "addresses", "no ssh"),
        (
            seen(hosts=(host(**BY_RESOLVER),)),
            "unknown",
            "missing",
            "this is how it looks from here",
        ),
        (
            seen(hosts=(host(a=Answer("REFUSED"), servers=(Server("ns.x.net", "1.0.0.9"),), **OTHER_ZONE),)),
            "required",
            "nameserver-silent",
            "mx.e.org A: is not answered by the nameservers of its zone (ns.x.net): REFUSED",
        ),
        (
            seen(hosts=(host(a=Answer("SERVFAIL"), **OTHER_ZONE),)),
            "unknown",
            "address",
            "mx.e.org A: cannot be looked up (SERVFAIL)",
        ),
        (
            seen(expected=(MX,), hosts=(host(Answer("NXDOMAIN"), Answer("NXDOMAIN"), ipv4=None, ipv6=None),)),
            "required",
            "no-address",
            "python -m dns.sync e.org",
        ),
        *(
            (
                seen(addresses=(place(V4, greeting), place(V6)), outbound_25=frozenset({6})),
                "unknown",
                "port-25",
                V4,
            )
            for greeting in (
                *(Greeting(failure) for failure in ("timeout", "unreachable", "refused", "silent")),
                Greeting(code=220, text="relay.isp.net ESMTP"),
                Greeting(code=554, text="relay.isp.net no"),
                Greeting(code=-1, text=""),
            )
        ),
        (
            seen(
                addresses=(place(V4, Greeting("refused")), place(V6, Greeting("refused"))),
                outbound_25=frozenset(),
            ),
            "unknown",
            "port-25",
            f"mx.e.org ({V4}), mx.e.org ({V6}) port 25",
        ),
        (
            seen(addresses=(place(V4), replace(place(V6, Greeting("no route")), hostname="mx2.e.org"))),
            "unknown",
            "port-25",
            "mx2.e.org",
        ),
    ],
)
def test_what_is_wrong_is_found_once_with_its_fix(wrong: Seen, group: str, code: str, said: str) -> None:
    (finding,) = judge(wrong)
    assert (finding.group, finding.code) == (group, code)
    assert said in str(finding)
