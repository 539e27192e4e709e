"""Judging what was seen: each thing that can be wrong is found, once, and what is right is silent."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dns.check import judge_mail, judge_zone, report
from dns.check.findings import Finding, advised, exit_code, required, unknown
from dns.check.old_answers import OldAnswers
from dns.world.answers import Answer
from dns.world.delegation import Delegation
from dns.world.expected import Expected
from dns.world.greeting import Greeting
from dns.world.nameservers import Server
from dns.world.seen import AddressSeen, HostSeen, Seen, ServerSeen

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
    return [*judge_zone.judge(what), *judge_mail.judge(what)]


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
    assert found(right) == []


OUTSIDE: dict[str, Any] = {"in_zone": False}
BY_RESOLVER: dict[str, Any] = {"in_zone": False, "a": Answer(authoritative=False)}
PRIVATE = Answer(values=frozenset({"10.0.0.9"}))
REFUSING = (*heard(MX=Answer("BOGUS")), *heard("1.1.1.1", A=Answer("BOGUS")))
BARRED = Greeting("refused")
ELSE = Answer(authoritative=False)
BELOW = Answer(authoritative=False, referral="mx.e.org")
UPWARDS = Answer(authoritative=False, referral=".")
AAAA_RIGHT = Answer(values=AAAA.values)
ABSENT = Delegation("co.org", "org", ("ns.registry.org",), ds=frozenset(), absent=True)
OWN = ("ns1.e.org", "ns2.e.org")
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
            "none of 2 does",
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
        (
            seen(
                servers=(
                    ServerSeen(Server(NAMES[0], "1.0.0.1"), answers()),
                    ServerSeen(Server(NAMES[1], "::2"), silent()),
                )
            ),
            "unknown",
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
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers(TXT=TWO))),
            "advised",
            "two-policies",
            'delete e.org. TXT "v=spf1 mx -all"',
        ),
        (seen(unread=("host mx: no ssh",)), "unknown", "addresses", "no ssh"),
        *(
            (
                seen(servers=servers(answers(A=Answer(status), AAAA=Answer(status)))),
                "required",
                "nameserver-silent",
                f"mx.e.org A and AAAA: is not answered by {NAMES[0]} (1.0.0.1), {NAMES[1]} (1.0.0.1)"
                f" (none of 2 does): {status}",
            )
            for status in ("SERVFAIL", "REFUSED", "NOTAUTH", "FORMERR", "NOTIMP")
        ),
        (
            seen(servers=servers(answers(A=ELSE, AAAA=ELSE))),
            "required",
            "nameserver-silent",
            "mx.e.org A and AAAA: is not answered by",
        ),
        (
            seen(servers=servers(answers(A=BELOW, AAAA=BELOW)), hosts=(host(SILENCE, SILENCE),)),
            "required",
            "shadowed",
            "delete the NS records of mx.e.org",
        ),
        (
            seen(servers=servers(answers(A=UPWARDS, AAAA=UPWARDS))),
            "required",
            "nameserver-silent",
            "sends the asker on to the nameservers of the root",
        ),
        (
            seen(servers=servers(answers(A=ALIAS, AAAA=replace(ALIAS, values=AAAA.values)))),
            "required",
            "alias",
            "--replace-cname x.net",
        ),
        (
            seen(servers=servers(answers(MX=Answer(values=MX.values, alias="x.net")))),
            "required",
            "alias",
            "a domain that takes mail may not be",
        ),
        (
            seen(servers=servers(answers(A=replace(ALIAS, status="SERVFAIL"), AAAA=AAAA_RIGHT))),
            "required",
            "alias",
            "is an alias of x.net",
        ),
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers(TXT=SILENCE))),
            "required",
            "nameserver-silent",
            "e.org TXT: is not answered by",
        ),
        (
            seen(expected=(MX, A, AAAA, SPF), servers=servers(answers())),
            "required",
            "nameserver-silent",
            "no answer (not asked)",
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
                resolvers=(*heard(MX=Answer("BOGUS")), *heard("1.1.1.1", A=Answer("BOGUS"))),
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
            seen(resolvers=(*heard("192.168.1.1", MX=Answer("BOGUS")), *heard())),
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
            seen(resolvers=(*heard(A=Answer(ttl=60)), *heard("8.8.8.8", A=Answer(ttl=90)))),
            "advised",
            "stale",
            "resolver 9.9.9.9, 8.8.8.8 still has old answers, for 90 s more",
        ),
        (
            seen(resolvers=(*heard(A=Answer()), *heard("8.8.8.8"))),
            "advised",
            "resolver",
            "resolver 9.9.9.9 answers otherwise than the nameservers, and not from a cache",
        ),
        (
            seen(resolvers=heard(A=Answer(ttl=60)), expired=frozenset({"9.9.9.9"})),
            "unknown",
            "resolver",
            "it changes answers",
        ),
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
        (
            seen(hosts=(host(**BY_RESOLVER),)),
            "unknown",
            "missing",
            "this is how it looks from here",
        ),
        (
            seen(hosts=(host(a=Answer("REFUSED"), servers=(Server("ns.x.net", "1.0.0.9"),), **OUTSIDE),)),
            "required",
            "nameserver-silent",
            "mx.e.org A: is not answered by the nameservers of its zone (ns.x.net): REFUSED",
        ),
        (
            seen(hosts=(host(a=Answer("SERVFAIL"), **OUTSIDE),)),
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
def test_what_is_wrong_is_found_once_with_its_mend(wrong: Seen, group: str, code: str, said: str) -> None:
    (finding,) = found(wrong)
    assert (finding.group, finding.code) == (group, code)
    assert said in str(finding)


def test_every_record_too_many_is_said_at_once() -> None:
    two = Answer(values=MX.values | {"5 old.net", "20 other.net"})
    wrong = found(seen(servers=servers(answers(MX=two))))
    assert [(finding.code, finding.fix.split()[-1]) for finding in wrong] == [
        ("mx-surplus", "other.net"),
        ("mx-surplus", "old.net"),
    ]


def test_every_record_that_is_missing_is_said_at_once() -> None:
    two = (replace(MX, values=MX.values | {"20 mx2.e.org"}), A, AAAA)
    wrong = found(seen(expected=two, servers=servers(answers(MX=Answer())), resolvers=()))
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
    wrong = found(seen(servers=tuple(ServerSeen(Server(name, at), said) for name, at, said in three)))
    assert [finding.code for finding in wrong] == ["nameserver-silent", "nameserver-silent", "missing"]
    assert "(1.0.0.1)" in wrong[0].problem
    assert "REFUSED" in wrong[0].problem
    assert "(1.0.0.2)" in wrong[1].problem
    assert "SERVFAIL" in wrong[1].problem
    assert wrong[2].problem.endswith(f"is missing at {NAMES[1]} (1.0.0.3)")


def test_without_the_way_from_the_root_silence_is_explained_and_wrong_values_are_unknown() -> None:
    lost = {"delegation": None, "lost": "barred"}
    assert [f.code for f in found(seen(servers=servers(silent("REFUSED")), **lost))] == ["delegation"]
    wrong = found(seen(servers=servers(answers(A=Answer(values=frozenset({"10.0.0.1"})))), **lost))
    assert [(finding.group, finding.code) for finding in wrong] == [
        ("unknown", "delegation"),
        ("unknown", "address-surplus"),
    ]
    assert "--replace" not in wrong[1].fix


def test_a_resolver_that_denies_everything_proves_nothing_of_reverse_dns() -> None:
    barred = seen(
        delegation=None, lost="barred", servers=(), resolvers=(), addresses=(place(V4, pointers={}),)
    )
    assert [finding.code for finding in found(barred)] == ["delegation"]
    assert f"reverse DNS could not be looked up: {V4}" in report.remarks(barred)


def test_a_finding_has_the_name_and_the_type_of_its_record() -> None:
    (finding,) = found(seen(servers=servers(answers(A=Answer("SERVFAIL")))))
    assert (finding.name, finding.type) == ("mx.e.org", "A")
    (said,) = report.to_json(seen(), [finding])["required"]  # type: ignore[misc]
    assert (said["name"], said["type"]) == ("mx.e.org", "A")


def test_what_could_not_be_seen_and_is_not_required_is_a_remark() -> None:
    partly = seen(
        resolvers=(*heard(), ServerSeen(Server("resolver", "1.1.1.1"), silent())),
        addresses=(place(V4, pointers=None), place(V6)),
    )
    assert found(partly) == []
    assert report.lines(partly, []) == [
        "e.org: all that is required holds "
        "(answered: 4 nameserver addresses, 1 of 2 resolvers, port 25 of 2 addresses)",
        "no answer came from resolvers: 1.1.1.1",
        f"reverse DNS could not be looked up: {V4}",
    ]


def test_a_resolver_that_answers_otherwise_longer_than_a_cache_may_is_told_from_an_old_one() -> None:
    old_answers = OldAnswers()
    old = seen(resolvers=(*heard(A=Answer(ttl=60)), *heard("8.8.8.8", A=Answer(ttl=20))))
    assert old_answers.expired(old, 100.0) == frozenset()
    assert old_answers.expired(old, 131.0) == {"8.8.8.8"}
    assert old_answers.expired(old, 171.0) == {"9.9.9.9", "8.8.8.8"}
    other = seen(resolvers=heard(A=Answer(values=frozenset({"1.2.3.4"}), ttl=60)))
    assert old_answers.expired(other, 172.0) == frozenset()


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
    lines = report.lines(wrong, found(wrong))
    assert lines[0] == (
        "e.org: 1 of what is required does not hold "
        "(answered: 4 nameserver addresses, 1 resolvers, port 25 of 0 of 2 addresses)"
    )
    assert lines[1] == "required, but missing or wrong:"
    assert "nothing listens there" in lines[2]
    assert lines[3].startswith("    -> find the reason with systemctl status letterbox.socket")
    assert lines[-1] == f"not asked, because there is no route from here: mx.e.org ({V6})"
    plain = report.to_json(wrong, found(wrong))
    assert plain["exit_code"] == 2
    assert [one["code"] for one in plain["required"]] == ["port-25"]  # type: ignore[attr-defined]
