"""Judging what was seen: each thing that can be wrong is found, once, and what is right is silent."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dns import check_text, judge_mail, judge_zone
from dns.answers import Answer, Expected
from dns.delegation import Delegation
from dns.findings import Finding, advised, exit_code, required, unknown
from dns.greeting import Greeting
from dns.seen import AddressSeen, HostSeen, Seen, ServerSeen
from dns.served import Server

V4, V6 = "185.199.108.25", "2a00:1450:4001::25"
MX = Expected("e.org", "MX", frozenset({"10 mx.e.org"}))
A = Expected("mx.e.org", "A", frozenset({V4}))
AAAA = Expected("mx.e.org", "AAAA", frozenset({V6}))
NAMES = ("ann.ns.cloudflare.com", "bob.ns.cloudflare.com")
SILENCE = Answer("", silence="Timeout")
ALIAS = Answer(values=A.values, alias="x.net")
HELLO = Greeting(code=220, text="mx.e.org ESMTP")


def answers(**changes: Answer) -> dict[tuple[str, str], Answer]:
    """What a nameserver that is right answers, with changes by type."""
    right = {(q.name, q.type): Answer(values=q.values, ttl=300) for q in (MX, A, AAAA)}
    right["e.org", "NS"] = Answer(values=frozenset(NAMES))
    names = {kind: key for key in right for kind in [key[1]]}
    return {**right, **{names.get(kind, ("e.org", kind)): answer for kind, answer in changes.items()}}


def seen(**changes: Any) -> Seen:
    """A domain that is as it should be, with changes."""
    ds = frozenset({"1 13 2 ab"})
    right = Seen(
        domain="e.org",
        zone="e.org",
        delegation=Delegation("e.org", "org", NAMES, ds=ds),
        expected=(MX, A, AAAA),
        servers=tuple(
            ServerSeen(Server(name, address), answers()) for name in NAMES for address in ("1.0.0.1", "::2")
        ),
        resolvers=(ServerSeen(Server("resolver", "9.9.9.9"), answers()),),
        key_ds=ds,
        ds_to_set="1 13 2 AB",
        hosts=(host(),),
        addresses=(place(V4), place(V6)),
        own_nameservers=NAMES,
    )
    return replace(right, **changes)


def host(a: Answer | None = None, aaaa: Answer | None = None, **changes: Any) -> HostSeen:
    """A mail host that is as it should be, with changes."""
    right = HostSeen(
        "mx.e.org",
        Answer(values=A.values) if a is None else a,
        Answer(values=AAAA.values) if aaaa is None else aaaa,
        A.values,
        AAAA.values,
    )
    return replace(right, **changes)


def place(address: str, greeting: Greeting | None = HELLO, **changes: Any) -> AddressSeen:
    """One of its addresses."""
    right = AddressSeen("mx.e.org", address, greeting, {"mx.e.org": frozenset({address})})
    return replace(right, **changes)


def found(what: Seen) -> list[Finding]:
    """What is found."""
    return [*judge_zone.judged(what), *judge_mail.judged(what)]


def servers(answered: Mapping[tuple[str, str], Answer]) -> tuple[ServerSeen, ...]:
    """Two nameserver addresses that answer alike."""
    return tuple(ServerSeen(Server(name, "1.0.0.1"), answered) for name in NAMES)


def silent(status: str = "") -> dict[tuple[str, str], Answer]:
    """No answer to any question, or this response code for each."""
    said = Answer(status) if status else SILENCE
    return dict.fromkeys(answers(), said)


def heard(address: str = "9.9.9.9", **changes: Answer) -> tuple[ServerSeen, ...]:
    """A resolver that is right, with changes."""
    return (ServerSeen(Server("resolver", address), answers(**changes)),)


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
            seen(resolvers=(*heard(), ServerSeen(Server("resolver", "1.1.1.1"), silent()))),
            id="a resolver that cannot be asked, beside one that can",
        ),
        pytest.param(seen(hosts=(host(in_zone=False),)), id="a host of another zone"),
        pytest.param(seen(hosts=(host(in_zone=False, ipv6=None),)), id="an address that is not known"),
        pytest.param(seen(without_route=(Server(NAMES[0], "::3"),)), id="a nameserver without a route"),
    ],
)
def test_what_is_right_is_silent(right: Seen) -> None:
    assert found(right) == []


OUTSIDE: dict[str, Any] = {"in_zone": False}
PRIVATE = Answer(values=frozenset({"10.0.0.9"}))
OTHER_NS = answers(NS=Answer(values=frozenset({"ns.old.net"})))
SPF = Expected("e.org", "TXT", frozenset({"v=spf1 -all"}))
TWO = Answer(values=frozenset({"v=spf1 -all", "v=spf1 mx -all"}))


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
            seen(servers=servers(answers(MX=Answer(values=frozenset({"10 1.2.3.4"}))))),
            "required",
            "mx-address",
            "--replace-mx 1.2.3.4",
        ),
        (
            seen(servers=servers(answers(MX=Answer(values=frozenset({"10 _dc-mx.ab12.e.org"}))))),
            "required",
            "rewritten",
            "proxied",
        ),
        (
            seen(servers=servers(answers(A=Answer(values=frozenset({"104.16.0.9"}))))),
            "required",
            "proxied",
            "DNS only",
        ),
        (
            seen(servers=servers(answers(MX=Answer(values=frozenset(), alias="x.net")))),
            "required",
            "alias",
            "--replace-cname x.net",
        ),
        (
            seen(servers=servers(answers(MX=Answer("", silence="Timeout")))),
            "required",
            "nameserver-silent",
            "of 2, none does",
        ),
        (
            seen(
                servers=tuple(
                    ServerSeen(Server(name, ip), answers(**({"MX": SILENCE} if ":" in ip else {})))
                    for name in NAMES
                    for ip in ("1.0.0.1", "::2")
                )
            ),
            "advised",
            "ip-version",
            "over IPv6",
        ),
        (seen(resolvers=heard(MX=Answer("BOGUS"))), "required", "bogus", "9.9.9.9"),
        (seen(resolvers=heard(MX=Answer("SERVFAIL"))), "unknown", "resolver", "SERVFAIL"),
        (
            seen(resolvers=(*heard(), *heard("8.8.8.8", MX=Answer("SERVFAIL")))),
            "advised",
            "resolver",
            "resolver 8.8.8.8 gives no answer: e.org MX: SERVFAIL",
        ),
        (seen(resolvers=heard(A=Answer("NXDOMAIN", ttl=1800))), "advised", "stale", "for 1800 s more"),
        (seen(key_ds=frozenset({"2 13 2 cd"})), "required", "ds", "replace it by e.org. DS 1 13 2 AB"),
        (
            seen(delegation=Delegation("e.org", "org", NAMES, ds=frozenset())),
            "advised",
            "ds-missing",
            "add e.org. DS 1 13 2 AB",
        ),
        (
            seen(hosts=(host(Answer(values=A.values, alias="x.net"), **OUTSIDE),)),
            "required",
            "alias",
            "x.net",
        ),
        (
            seen(hosts=(host(Answer("NXDOMAIN"), Answer("NXDOMAIN"), **OUTSIDE),)),
            "required",
            "no-address",
            f"mx.e.org. A {V4}",
        ),
        (seen(hosts=(host(Answer(), **OUTSIDE),)), "required", "missing", f"mx.e.org. A {V4}"),
        (
            seen(hosts=(host(Answer(values=A.values | {"8.8.8.8"}), **OUTSIDE),)),
            "required",
            "address-surplus",
            "8.8.8.8",
        ),
        (
            seen(hosts=(host(Answer(values=A.values | {"104.16.0.9"}), **OUTSIDE),)),
            "required",
            "proxied",
            "104.16.0.9",
        ),
        (
            seen(hosts=(host(Answer("SERVFAIL"), Answer("SERVFAIL"), **OUTSIDE),)),
            "unknown",
            "address",
            "SERVFAIL",
        ),
        (
            seen(hosts=(host(PRIVATE, ipv4=PRIVATE.values, **OUTSIDE),)),
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
            seen(addresses=(place(V4, Greeting("timeout")),), leaving=frozenset({6})),
            "unknown",
            "port-25",
            "barred from here",
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
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers(TXT=TWO))),
            "advised",
            "two-policies",
            'delete e.org. TXT "v=spf1 mx -all"',
        ),
        (seen(unread=("host mx: no ssh",)), "unknown", "addresses", "no ssh"),
    ],
)
def test_what_is_wrong_is_found_once_with_its_mend(wrong: Seen, group: str, code: str, said: str) -> None:
    (finding,) = found(wrong)
    assert (finding.group, finding.code) == (group, code)
    assert said in str(finding)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = seen(
        key_ds=frozenset({"2 13 2 cd"}),
        servers=servers(answers(A=Answer())),
        addresses=(place(V4, Greeting("refused")), place(V6, pointers={})),
    )
    assert [finding.code for finding in found(wrong)] == ["missing", "ds", "port-25", "reverse"]


ONE = [required("a", "p", "m")]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([advised("a", "p", "m")], 0),
        ([unknown("a", "p", "m")], 1),
        ([*ONE, unknown("a", "p", "m")], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_the_report_names_every_finding_with_its_mend_under_its_group() -> None:
    wrong = seen(addresses=(place(V4, Greeting("refused")), place(V6, None)))
    lines = check_text.lines(wrong, found(wrong))
    assert lines[0] == (
        "e.org: 1 of what is required does not hold "
        "(answered: 4 nameserver addresses, 1 resolvers, port 25 of 0 of 2 addresses)"
    )
    assert lines[1] == "required, but missing or wrong:"
    assert "nothing listens there" in lines[2]
    assert lines[3].startswith("    -> systemctl status letterbox.socket")
    assert lines[-1] == f"not asked, there is no route from here: mx.e.org ({V6})"
    plain = check_text.plain(wrong, found(wrong))
    assert plain["exit_code"] == 2
    assert [one["code"] for one in plain["required"]] == ["port-25"]  # type: ignore[attr-defined]
