"""The result of a policy, for each kind of mechanism, identity and answer."""

from __future__ import annotations

import pytest

from receiver.checks.results import SPF
from tests.receiver.checks.spf.checking import PEER, PEER_SIX, check, check_in, result
from tests.receiver.checks.zone import Entry, Zone

BACK = "1.2.0.192.in-addr.arpa"
BACK_SIX = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
BESIDE: dict[str, list[Entry]] = {
    "host.test": [f"A {PEER}", f"AAAA {PEER_SIX}"],
    "near.test": ["A 192.0.2.200", "AAAA 2001:db8::ffff"],
    "_spf.host.test": [f"A {PEER}"],
    "mail.test": ["MX 20 near.test", "MX 10 host.test"],
    "null.test": ["MX 0 ."],
    "literal.test": [f"MX 0 {PEER}"],
    "none.test": ["TXT some text"],
    "pass.test": [f"TXT v=spf1 ip4:{PEER} -all"],
    "fail.test": ["TXT v=spf1 -all"],
    "neutral.test": ["TXT v=spf1"],
    "broken.test": ["TXT v=spf1 what"],
    "dead.test": ["TIMEOUT"],
    "half.test": ["MX 10 dead.test", "MX 20 host.test"],
    "alias.test": ["CNAME pass.test"],
    BACK: ["PTR host.test", "PTR in.example.test"],
    BACK_SIX: ["PTR host.test"],
    "in.example.test": [f"A {PEER}"],
}


@pytest.mark.parametrize(
    ("terms", "wanted"),
    [
        ("all", "pass"),
        ("?all", "neutral"),
        ("~all", "softfail"),
        ("-all", "fail"),
        ("", "neutral"),
        (f"ip4:{PEER} -all", "pass"),
        ("ip4:192.0.2.0/24 -all", "pass"),
        ("ip4:192.0.3.0/24 -all", "fail"),
        ("ip4:0.0.0.0/0 -all", "pass"),
        ("ip6:2001:db8::/32 ip6:::/0 -all", "fail"),
        ("a:host.test -all", "pass"),
        ("a:near.test -all", "fail"),
        ("a:near.test/24 -all", "pass"),
        ("a:near.test//0 -all", "fail"),
        ("a:host.test. -all", "pass"),
        ("a:_spf.host.test -all", "pass"),
        ("A:HOST.test -ALL", "pass"),
        ("mx:mail.test -all", "pass"),
        ("mx:host.test -all", "fail"),
        ("mx:null.test -all", "fail"),
        ("mx:literal.test -all", "fail"),
        ("mx:nowhere.test -all", "fail"),
        ("exists:host.test -all", "pass"),
        ("exists:nowhere.test -all", "fail"),
        ("ptr -all", "pass"),
        ("ptr:example.test -all", "pass"),
        ("ptr:ample.test -all", "fail"),
        ("ptr:host.test -all", "pass"),
        ("include:pass.test -all", "pass"),
        ("-include:pass.test +all", "fail"),
        ("include:alias.test -all", "pass"),
        ("include:fail.test ?all", "neutral"),
        ("include:neutral.test ~all", "softfail"),
        ("include:none.test all", "permerror"),
        ("include:nowhere.test all", "permerror"),
        ("include:a..test all", "permerror"),
        ("include:broken.test all", "permerror"),
        ("include:dead.test all", "temperror"),
        ("redirect=pass.test", "pass"),
        ("redirect=fail.test", "fail"),
        ("redirect=none.test", "permerror"),
        ("redirect=dead.test", "temperror"),
        ("?all redirect=pass.test", "neutral"),
        ("a:dead.test -all", "temperror"),
        ("mx:dead.test -all", "temperror"),
        ("mx:half.test -all", "temperror"),
        ("exists:dead.test -all", "temperror"),
        ("exists:%{p}.test -all", "fail"),
        ("all a:dead.test what", "permerror"),
    ],
)
def test_a_policy_is_evaluated(terms: str, wanted: str) -> None:
    assert result(f"v=spf1 {terms}", BESIDE) == wanted


@pytest.mark.parametrize(
    ("terms", "wanted"),
    [
        ("a:host.test -all", "pass"),
        ("a:near.test/1 -all", "fail"),
        ("a:near.test//112 -all", "pass"),
        ("mx:mail.test -all", "pass"),
        ("ip4:0.0.0.0/0 -all", "fail"),
        ("ip6:2001:db8::/32 -all", "pass"),
        ("exists:_spf.host.test -all", "pass"),
        ("ptr:host.test -all", "pass"),
        ("ptr:example.test -all", "fail"),
    ],
)
def test_an_ipv6_peer_is_looked_for_among_ipv6_addresses(terms: str, wanted: str) -> None:
    assert result(f"v=spf1 {terms}", BESIDE, ip=PEER_SIX) == wanted


@pytest.mark.parametrize("terms", [f"ip4:{PEER} -all", "a:host.test -all", "ptr:host.test -all"])
def test_an_ipv4_address_in_an_ipv6_one_is_the_ipv4_address(terms: str) -> None:
    assert result(f"v=spf1 {terms}", BESIDE, ip=f"::ffff:{PEER}") == "pass"


def test_the_scope_of_an_interface_is_not_part_of_the_address() -> None:
    assert result("v=spf1 ptr:host.test -all", BESIDE, ip=f"{PEER_SIX}%eth0") == "pass"


@pytest.mark.parametrize("silent", [BACK, "host.test"])
def test_ptr_does_not_match_if_dns_gives_no_answer(silent: str) -> None:
    table: dict[str, list[Entry]] = {**BESIDE, silent: ["TIMEOUT"]}
    assert result("v=spf1 ptr:host.test ?all", table) == "neutral"


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        (["TIMEOUT"], "temperror"),
        ([], "none"),
        (["TXT v=spf10 -all"], "none"),
        (["TXT v=spf1-all"], "none"),
        (["TXT  v=spf1 -all"], "none"),
        (["TXT V=SPF1 -all"], "fail"),
        (["TXT v=spf1 -all", "TXT v=spf1 -all"], "permerror"),
        (["TXT v=spf1 -all", "TXT v=spf1\t-all"], "fail"),
        ([("TXT", ["v=spf1 -a", "ll"])], "fail"),
        ([("TXT", b"\xff\xfe"), "TXT v=spf1 -all"], "fail"),
        ([("TXT", b"v=spf1 a:m\xfcller.test -all")], "permerror"),
        ([("TXT", "v=spf1 a:müller.test -all".encode())], "permerror"),
        ([("TXT", b"v=spf1 -all\x00")], "permerror"),
        ([("TXT", b"v=spf1 -all\r\n")], "permerror"),
        ([("TXT", "v=spf1 -all".encode("utf-16"))], "none"),
    ],
)
def test_records_of_a_domain(entries: list[Entry], wanted: str) -> None:
    assert check({"example.test": entries}).result == wanted


@pytest.mark.parametrize(
    "sender",
    ["a@localhost", "a@[192.0.2.1]", "a@a..test", f"a@{'x' * 64}.test", f"a@{'x.' * 130}test", "a@ß.test"],
)
def test_what_is_no_domain_name_has_no_policy_and_is_not_asked_for(sender: str) -> None:
    zone = Zone({})
    assert check_in(zone, sender).result == "none"
    assert not zone.asked


def test_the_null_sender_is_checked_by_the_name_of_helo() -> None:
    table: dict[str, list[Entry]] = {
        "mx.example.test": ["TXT v=spf1 exists:%{l}.%{o}.is.test -all"],
        "postmaster.mx.example.test.is.test": ["A 127.0.0.2"],
    }
    assert check(table, "") == SPF("pass", "mx.example.test", "helo", "mx.example.test")


def test_an_address_in_place_of_a_name_is_not_asked_for() -> None:
    """Some resolvers answer 192.0.2.1 for the name 192.0.2.1."""
    beside: dict[str, list[Entry]] = {"m.test": [f"MX 0 {PEER}"], BACK: [f"PTR {PEER}"], PEER: [f"A {PEER}"]}
    assert result("v=spf1 mx:m.test ptr exists:%{i} a:%{i} ?all", beside) == "neutral"


def test_the_domain_of_a_result_is_in_lower_case() -> None:
    assert check({"example.test": ["TXT v=spf1 -all"]}, "a@EXAMPLE.test").domain == "example.test"


def test_an_empty_local_part_is_postmaster() -> None:
    table: dict[str, list[Entry]] = {
        "example.test": ["TXT v=spf1 exists:%{l}.is.test -all"],
        "postmaster.is.test": ["A 127.0.0.2"],
    }
    assert check(table, "@example.test") == SPF("pass", "example.test", "mailfrom", "@example.test")


def test_a_domain_of_u_labels_is_asked_for_in_a_labels() -> None:
    table: dict[str, list[Entry]] = {"xn--mller-kva.test": ["TXT v=spf1 exists:%{d}.is.%{o} -all"]}
    table["xn--mller-kva.test.is.xn--mller-kva.test"] = ["A 127.0.0.2"]
    spf = check(table, "alice@müller.test")
    assert (spf.result, spf.domain) == ("pass", "xn--mller-kva.test")


def test_a_term_with_a_local_part_beyond_ascii_does_not_match() -> None:
    table: dict[str, list[Entry]] = {
        "example.test": ["TXT v=spf1 exists:%{l}.is.test exists:%{s}.is.test include:%{l}.is.test ?all"]
    }
    zone = Zone(table)
    assert check_in(zone, "jürgen@example.test").result == "neutral"
    assert len(zone.asked) == 1


def test_an_explanation_is_asked_for_only_on_request_and_only_for_a_fail() -> None:
    table: dict[str, list[Entry]] = {
        "example.test": ["TXT v=spf1 include:inner.test -all exp=why.test"],
        "inner.test": ["TXT v=spf1 -all exp=inner-why.test"],
        "why.test": ["TXT %{i} is not ours, %{r}"],
    }
    asked = Zone(table)
    assert check_in(asked, "a@example.test", explain=True).explanation == f"{PEER} is not ours, mx.our.test"
    assert [name for name, _ in asked.asked] == ["example.test", "inner.test", "why.test"]
    unasked = Zone(table)
    assert check_in(unasked, "a@example.test") == SPF("fail", "example.test", "mailfrom", "a@example.test")
    assert len(unasked.asked) == 2


@pytest.mark.parametrize(
    "entries",
    [
        ["TIMEOUT"],
        [],
        ["TXT one", "TXT two"],
        ["TXT bad %{x}"],
        ["TXT line\r\nbreak"],
        [("TXT", b"caf\xe9")],
        ["TXT " + "%{s}" * 10_000],
        ["TXT " + "%{d1r}" * 10_000],
    ],
)
def test_a_fail_stays_a_fail_without_an_explanation_that_is_fit_to_show(entries: list[Entry]) -> None:
    spf = check({"example.test": ["TXT v=spf1 -all exp=why.test"], "why.test": entries}, explain=True)
    assert (spf.result, spf.explanation) == ("fail", "")
