"""Macros expand as RFC 7208 section 7 has it, and hostile values make no name that cannot be asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.checks.spf import macros
from receiver.checks.spf.domains import is_name, to_a_labels
from receiver.checks.spf.macros import PermanentError
from tests.receiver.checks.spf.checking import PEER, PEER_SIX, check_in
from tests.receiver.checks.zone import Entry, Zone

SENDER = "strong-bad@email.example.com"
BACK = "1.2.0.192.in-addr.arpa"
HOSTILE = [
    "",
    ".",
    "..",
    "a" * 64,
    "a" * 600,
    "." * 600,
    "x." * 300,
    "é",
    "\x00",
    "\r\n",
    " ",
    "%{s}",
    "a@b",
    "\ud800",
]


def asked_name(text: str, sender: str = SENDER, ip: str = PEER, helo: str = "helo.example.org") -> str | None:
    """The name that `exists` asks for, or None if it asks for none."""
    domain = sender.rpartition("@")[2]
    table: dict[str, list[Entry]] = {domain: [f"TXT v=spf1 exists:{text} -all"], BACK: ["PTR mx.example.org"]}
    zone = Zone({**table, "mx.example.org": [f"A {PEER}"]})
    spf = check_in(zone, sender, ip=ip, helo=helo)
    assert spf.result == "fail", spf.reason
    return zone.asked[-1][0] if len(zone.asked) > 1 else None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{d0002}", "example.com"),
        ("%{d99999999999999999999}", "email.example.com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "1.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.1.2.0.192.in-addr._spf.example.com"),
        ("%{p}.is.test", "mx.example.org.is.test"),
        ("%{h}", "helo.example.org"),
        ("%{h}.test.", "helo.example.org.test"),
        ("%%.%_.%-.test", "%. .%20.test"),
        ("%{S}.test", "strong-bad%40email.example.com.test"),
    ],
)
def test_the_examples_of_the_standard_and_more(text: str, name: str) -> None:
    assert asked_name(text) == name


@pytest.mark.parametrize(
    "text", ["%", "%d", "%{d", "%{}", "%{x}", "%{dd}", "%{d0}", "%{s2@}", "%{s-.r}", "%{l2rr}", "%{c}"]
)
def test_a_macro_that_is_not_in_the_grammar_is_an_error(text: str) -> None:
    with pytest.raises(PermanentError):
        macros.parse(f"a{text}b")


def test_an_ipv6_address_is_its_nibbles() -> None:
    nibbles = "2.0.0.1.0.D.B.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1"
    assert asked_name("%{i}.%{v}.test", ip=PEER_SIX) == f"{nibbles}.ip6.test"
    assert asked_name("%{ir}.%{v}.test", ip=PEER_SIX) == f"{nibbles[::-1]}.ip6.test"


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (["a.test", "x.email.example.com", "email.example.com"], "email.example.com"),
        (["a.test", "x.email.example.com"], "x.email.example.com"),
        (["a.test", "xemail.example.com"], "a.test"),
        (["not-back.test"], "unknown"),
        ([], "unknown"),
        (None, "unknown"),
    ],
)
def test_the_best_name_of_the_peer_is_taken(names: list[str] | None, value: str) -> None:
    table: dict[str, list[Entry]] = {
        "email.example.com": ["TXT v=spf1 exists:%{p}.is.test -all"],
        BACK: ["TIMEOUT"] if names is None else [f"PTR {name}" for name in names],
    }
    for name in names or []:
        if name != "not-back.test":
            table.setdefault(name, []).append(f"A {PEER}")
    zone = Zone(table)
    assert check_in(zone, SENDER).result == "fail"
    assert zone.asked[-1][0] == f"{value}.is.test"


def test_a_name_that_is_too_long_loses_labels_on_its_left() -> None:
    text = (".".join(["a" * 62] * 4) + ".test",)
    assert macros.expand_name(text, {}) == ".".join(["a" * 62] * 3) + ".test"
    assert macros.expand_name(("x." * 50_000 + "test",), {}) == "x." * 124 + "test"
    for rest in range(245, 254):
        for start in ("a.", "ab.", "a.b."):
            name = start + "c" * rest
            kept = macros.expand_name((name,), {})
            assert kept in (name, name[2:], name[-rest:])
            assert len(kept) <= 253 and (kept == name or len(name) > 253)


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("letter", ["s", "l", "h", "S", "L", "H", "s2r-", "h1r.+"])
def test_hostile_values_end_in_a_name_that_can_be_asked_for_or_in_none(letter: str, value: str) -> None:
    name = asked_name(f"%{{{letter}}}.is.test", f"{value}@email.example.com", helo=value)
    assert name is None or (is_name(name) and name.endswith("is.test"))


TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8),
        st.builds(
            "%{{{}{}{}{}}}".format,
            st.sampled_from("slodiphvcrtSLODIPHVCRTxz"),
            st.sampled_from(["", "0", "1", "2", "007", "9" * 30]),
            st.sampled_from(["", "r", "R"]),
            st.text(".-+,/_=", max_size=3),
        ),
        st.sampled_from(["%%", "%_", "%-", "%"]),
    ),
    max_size=8,
).map("".join)


@given(TEXTS, st.text(max_size=300))
def test_any_text_is_expanded_or_a_permanent_error(text: str, value: str) -> None:
    try:
        pieces = macros.parse(text, macros.IN_EXPLANATIONS)
    except PermanentError as error:
        assert str(error).isprintable() and len(str(error)) < 200
        return
    values = dict.fromkeys(macros.IN_EXPLANATIONS, value)
    whole = macros.expand_explanation(pieces, values)
    name = macros.expand_name(pieces, values)
    assert len(whole) <= macros.LONGEST_EXPLANATION
    assert not whole or whole.removesuffix(".").endswith(name)
    assert not whole or len(name) == len(whole.removesuffix(".")) or len(whole) > macros.LONGEST_NAME
    assert text.endswith(macros.literal_end(text))


@given(st.text())
def test_any_domain_has_a_form_for_dns_or_none(text: str) -> None:
    name = to_a_labels(text)
    assert name is None or (is_name(name) and name.isascii())


@pytest.mark.parametrize(
    "domain", ["straße.test", "βόλος.test", "a\u200db.test", "[192.0.2.1]", "é" * 100, ""]
)
def test_a_domain_that_two_standards_read_differently_has_no_form(domain: str) -> None:
    assert to_a_labels(domain) is None
