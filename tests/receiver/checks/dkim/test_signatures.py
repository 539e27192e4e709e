"""What a signature must be to pass, and what is said of one that does not."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

import pytest

from receiver.checks import header_fields
from receiver.checks.dkim import Signatures
from receiver.checks.results import DKIM
from tests.receiver.checks.dkim.messages import (
    BODY,
    FIELDS,
    NOW,
    TAGS,
    Zone,
    ed25519,
    message,
    record,
    result,
    results,
    rsa,
    signed,
    zone,
)
from tests.receiver.checks.dkim.naive import canonical_body, sign

LENGTH = len(canonical_body(BODY, relaxed=True))


def test_a_good_signature_passes_with_all_that_the_field_needs() -> None:
    octets = signed({"i": "list@News.Example.com", "s": "Sel", "d": "EXAMPLE.com"})
    found = result(octets)
    start = octets.partition(b"\tb=")[2][:12].decode()
    assert found == DKIM(
        "pass",
        domain="example.com",
        selector="sel",
        identity="list@News.Example.com",
        algorithm="rsa-sha256",
        signature=start,
        bits=2048,
    )


@pytest.mark.parametrize("canonicalization", [None, "simple", "relaxed", "simple/relaxed", "relaxed/simple"])
@pytest.mark.parametrize("piece", [1, 100])
def test_every_canonicalization_passes(canonicalization: str | None, piece: int) -> None:
    assert result(signed({"c": canonicalization}), piece=piece).result == "pass"  # type: ignore[dict-item]


def test_ed25519_passes() -> None:
    octets = signed({"a": "ed25519-sha256"}, key=ed25519())
    assert result(octets, zone(record(ed25519()))).bits == 256
    assert result(octets, zone(record(ed25519()))).result == "pass"


@pytest.mark.parametrize(
    ("tags", "expected", "reason"),
    [
        ({"v": None}, "permerror", "no v="),
        ({"v": "2"}, "permerror", "v="),
        ({"v": "1.0"}, "permerror", "v="),
        ({"a": "rsa-sha1"}, "policy", "rsa-sha1"),
        ({"a": "rsa-sha512"}, "permerror", "algorithm"),
        ({"a": "RSA-SHA256"}, "pass", ""),
        ({"a": "rsa- sha256"}, "permerror", "algorithm"),
        ({"a": "ed25519-sha256"}, "permerror", "another kind"),
        ({"c": "relaxed/nowsp"}, "permerror", "canonicalization"),
        ({"c": "relaxed/"}, "permerror", "canonicalization"),
        ({"c": "/relaxed"}, "permerror", "canonicalization"),
        ({"q": "dns/txt"}, "pass", ""),
        ({"q": "x-new : dns/txt"}, "pass", ""),
        ({"q": "x-new"}, "permerror", "q="),
        ({"d": ""}, "permerror", "no d="),
        ({"d": "com"}, "permerror", "d= is no domain"),
        ({"d": "example..com"}, "permerror", "d= is no domain"),
        ({"d": ".example.com"}, "permerror", "d= is no domain"),
        ({"d": "example.com."}, "permerror", "d= is no domain"),
        ({"d": "exa mple.com"}, "permerror", "d= is no domain"),
        ({"d": "example.com\r\n\t.evil.test"}, "permerror", "d= is no domain"),
        ({"d": "-x.example.com"}, "permerror", "d= is no domain"),
        ({"d": 'a";b.example.com'}, "permerror", "no list"),
        ({"d": 'a"(b.example.com'}, "permerror", "d= is no domain"),
        ({"d": "x" * 64 + ".com"}, "permerror", "d= is no domain"),
        ({"d": ".".join(["x" * 60] * 3) + ".com"}, "permerror", "no key"),
        ({"d": ".".join(["x" * 60] * 4) + ".com"}, "permerror", "too long"),
        ({"d": ".".join(["x" * 60] * 5) + ".com"}, "permerror", "d= is no domain"),
        ({"s": ""}, "permerror", "no s="),
        ({"s": "a..b"}, "permerror", "s= is no domain"),
        ({"s": ".".join("abcdefgh")}, "permerror", "no key"),
        ({"s": ".".join(["a"] * 300)}, "permerror", "s= is no domain"),
        ({"i": "a@evil.test"}, "permerror", "outside"),
        ({"i": "a@notexample.com"}, "permerror", "outside"),
        ({"i": "a@sub.example.com"}, "pass", ""),
        ({"i": "example.com"}, "permerror", "outside"),
        ({"i": ""}, "permerror", "i= is no domain"),
        ({"i": "a=40evil.test@example.com"}, "pass", ""),
        ({"i": "a=40evil.test"}, "permerror", "outside"),
        ({"i": "a=00@example.com"}, "permerror", "control"),
        ({"i": "a=0D=0Ab@example.com"}, "permerror", "control"),
        ({"i": "a=zz@example.com"}, "permerror", "quoted-printable"),
        ({"i": "a\r\n\t@\r\n\texample.com"}, "pass", ""),
        ({"t": "1"}, "pass", ""),
        ({"t": "-1"}, "permerror", "t= is no number"),
        ({"t": "1e3"}, "permerror", "t= is no number"),
        ({"t": "\u0661"}, "permerror", "t= is no number"),
        ({"t": "9" * 77}, "permerror", "t= is no number"),
        ({"t": str(NOW + 86_400)}, "pass", ""),  # a clock of somebody is wrong
        ({"x": str(NOW + 1)}, "pass", ""),
        ({"x": str(NOW - 200)}, "pass", ""),  # clocks differ
        ({"x": str(NOW - 301)}, "policy", "expired"),
        ({"x": "9" * 76}, "pass", ""),
        ({"t": "5", "x": "5"}, "permerror", "x= is not after t="),
        ({"t": str(NOW + 5), "x": str(NOW)}, "permerror", "x= is not after t="),
        ({"l": str(LENGTH)}, "pass", ""),
        ({"l": "0"}, "policy", f"l= leaves {LENGTH} octets of the body unsigned"),
        ({"l": str(LENGTH - 1)}, "policy", "l= leaves 1 octets of the body unsigned"),
        ({"l": str(LENGTH + 1)}, "permerror", "more than the body has"),
        ({"l": "9" * 76}, "permerror", "more than the body has"),
        ({"l": "x"}, "permerror", "l= is no number"),
        ({"z": "From:x=3By|To:z", "r": "y", "cv": "unknown"}, "pass", ""),
        ({"1x": "y"}, "permerror", "no list"),
        ({"x": "\0"}, "permerror", "control"),
        ({"y": "a\x7fb"}, "permerror", "control"),
        ({"h": "to:subject"}, "permerror", "From field"),
        ({"h": "subject:from-x:xfrom"}, "permerror", "From field"),
        ({"bh": "AAAA"}, "permerror", "bh= is no hash"),
        ({"bh": "!" * 44}, "permerror", "bh= is no base64"),
        ({"bh": "A" * 43}, "permerror", "bh= is no base64"),
        ({"bh": "A" * 43 + "="}, "fail", "the body was changed"),
        ({"bh": "A" * 43 + "\u00a0="}, "permerror", "bh= is no base64"),
    ],
)  # fmt: skip
def test_tags(tags: Mapping[str, str], expected: str, reason: str) -> None:
    found = result(signed(tags))
    assert found.result == expected
    assert any(part in found.reason for part in reason.split("|")), found.reason
    assert found.domain in ("", "example.com") or "x" * 60 in found.domain


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"a=rsa-sha256", b"a=rsa-sha256; a=rsa-sha256", "permerror"),
        (b"d=example.com", b"d=example.com; d=evil.test", "permerror"),
        (b"d=example.com", b"d=example.com;; ", "permerror"),
        (b"d=example.com", b"D=example.com", "permerror"),  # names are case-sensitive
        (b"d=example.com", b"d=example.com; x y=z", "permerror"),
        (b"d=example.com", b"d=example.com; =z", "permerror"),
        (b"d=example.com", b"d=evil.test", "fail"),
        (b"d=example.com", b"d=\xff.example.com", "permerror"),
        (b"s=sel", b"s=sel\x0b", "permerror"),
        (b"DKIM-Signature:", b"DKIM-Signature :", "pass"),  # obsolete syntax, and relaxed takes it out
        (b"DKIM-Signature:", b"dkim-SIGNATURE:\r\n\t", "pass"),
        (b"\tb=", b"\tb= \r\n\t\t", "pass"),
        (b"From: Alice", b"Subject: unsigned\r\nFrom: Alice", "pass"),  # the last ones are signed
        (b"\r\n\r\nHello", b"\r\nSubject: appended\r\n\r\nHello", "fail"),
        (b"\r\n\r\nHello", b"\r\nFrom: Eve <eve@evil.test>\r\n\r\nHello", "fail"),
        (b"Hello  there", b"Hello \tthere", "pass"),
        (b"To: bob", b"To: eve", "pass"),  # not signed
        (b"you\r\n\r\n \r\nBye", b"you\r\n\r\nBye", "fail"),
        (b"Bye\r\n\r\n", b"Bye  \t", "pass"),
        (b"Bye\r\n\r\n", b"Bye\r\n\r\nPS", "fail"),
    ],
)
def test_changes_of_a_signed_message(old: bytes, new: bytes, expected: str) -> None:
    octets = signed()
    assert old in octets
    assert (
        result(octets.replace(old, new, 1), zone() | zone(name="sel._domainkey.evil.test")).result == expected
    )


def test_a_signature_in_a_folded_field_name_is_none() -> None:
    assert results(signed().replace(b"DKIM-Signature:", b"DKIM-\r\n Signature:", 1)) == []


def test_a_message_without_a_signature_has_no_results_and_asks_nothing() -> None:
    empty = Zone({})
    signatures = Signatures(header_fields.split(b"From: a@b.test\r\n"))
    signatures.update(BODY)
    asyncio.run(signatures.ask(empty))
    assert (signatures.results(), empty.asked) == ([], [])


def test_over_signing_signs_that_a_field_is_absent() -> None:
    octets = signed(names=(b"from", b"from", b"subject", b"subject", b"x-absent"))
    assert result(octets).result == "pass"
    for more in (b"From: eve@evil.test\r\n", b"Subject: x\r\n", b"X-Absent: x\r\n"):
        for changed in (more + octets, octets.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n", 1)):
            assert result(changed).result == "fail"


def test_two_from_fields_that_are_both_signed_pass() -> None:
    """DKIM says nothing against them. It is the author's check that refuses such a message."""
    fields = (*FIELDS, (b"From", b" eve@evil.test"))
    assert result(signed(fields=fields, names=(b"from", b"from"))).result == "pass"


def test_domains_and_identities_in_utf_8_are_compared_in_a_labels() -> None:
    keys = zone(name="sel\u00e9".encode("idna").decode() + "._domainkey.xn--bcher-kva.example")
    for tags in (
        {"d": "b\u00fccher.example", "s": "sel\u00e9", "i": "j\u00fcrgen@B\u00dcCHER.example"},
        {"d": "xn--bcher-kva.example", "s": "sel\u00e9", "i": "@news.b\u00fccher.example"},
        {"d": "b\u00fccher.example", "s": "sel\u00e9", "i": "j=C3=BCrgen@xn--bcher-kva.example"},
    ):
        found = result(signed(tags), keys)
        assert (found.result, found.domain) == ("pass", "xn--bcher-kva.example")
    assert found.identity == "j\u00fcrgen@xn--bcher-kva.example"


def test_a_domain_that_idna_2003_and_2008_read_differently_is_none() -> None:
    assert result(signed({"d": "stra\u00dfe.example"})).reason == "d= is no domain"


def test_a_broken_signature_is_a_fail_whatever_its_policy_is() -> None:
    for tags in ({"l": "0"}, {"x": "1"}):
        octets = message(FIELDS, BODY, sign(FIELDS, BODY, rsa(), TAGS | tags, broken=True))
        assert result(octets).reason == "the signature does not fit"


@pytest.mark.parametrize("size", [0, 1, 255, 257, 512])
def test_a_signature_of_another_size_is_a_fail(size: int) -> None:
    head, _, rest = signed().partition(b"\tb=")
    octets = head + b"\tb=" + base64.b64encode(b"\1" * size) + b"\r\n" + rest.partition(b"\r\n")[2]
    assert result(octets).result == ("fail" if size else "permerror")
