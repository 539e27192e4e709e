"""Results that bear a name of ours are taken out, however they are written, and nothing else is."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import authres
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from receiver import headers
from receiver.checks import header_fields
from receiver.checks.forged import without_forged

NAMES = frozenset({"mx1.example.com", "mx2.example.com", "mx.xn--mnchen-3ya.example"})
BEFORE, AFTER = b"From: a@b.test\r\n", b"Subject: x\r\n folded\r\n"


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: mx1.example.com; dkim=pass",
        "Authentication-Results: mx2.example.com; dkim=pass",
        "authentication-results:mx1.example.com;dkim=pass",
        "AUTHENTICATION-RESULTS: MX1.Example.COM; dkim=pass",
        "Authentication-Results: mx1.example.com",
        "Authentication-Results: mx1.example.com.; none",
        "Authentication-Results: mx1.example.com 1; dkim=pass",
        "Authentication-Results: mx1.example.com (x) 1 (y); dkim=pass",
        "Authentication-Results: (c (d)) MX1.Example.com. (x) 1; dkim=pass",
        "Authentication-Results: (c \\) (d)mx1.example.com; dkim=pass",
        'Authentication-Results: "mx1.example.com"; dkim=pass',
        'Authentication-Results: "mx1\\.example.com" 1; dkim=pass',
        'Authentication-Results: "mx1.example.com ; dkim=pass',
        "Authentication-Results: (open mx1.example.com; dkim=pass",
        "Authentication-Results: mx1.(c)example.com; dkim=pass",
        "Authentication-Results:\r\n mx1.example.com;\r\n dkim=pass",
        "Authentication-Results:\r\n\t(c\r\n d)\r\n\tmx1.example.com;\r\n\tdkim=pass",
        "Authentication-Results : mx1.example.com; dkim=pass",
        "Authentication-Results\t \t: mx1.example.com; dkim=pass",
        "Authentication-Results\u00a0: mx1.example.com; dkim=pass",
        "\ufeffAuthentication-Results: mx1.example.com; dkim=pass",
        "\0\x01\u00a0 Authentication-Results: mx1.example.com; dkim=pass",
        "Authentication-Results: other.example mx1.example.com; dkim=pass",
        "Authentication-Results: mx1.example.com, other.example; dkim=pass",
        "Authentication-Results: =?utf-8?q?mx1=2Eexample=2Ecom?=; dkim=pass",
        "Authentication-Results: =?us-ascii?b?bXgxLmV4YW1wbGUuY29tOyBka2ltPXBhc3M=?=",
        "Authentication-Results: mx.m\u00fcnchen.example; dkim=pass",
        "Authentication-Results: MX.M\u00dcNCHEN.example; dkim=pass",
        "Authentication-Results: mx.xn--MNCHEN-3ya.example; dkim=pass",
        "Authentication-Results: \uff4d\uff581.example.com; dkim=pass",
        "Authentication-Results: mx1\u3002exam\u00adple\u3002com; dkim=pass",
        "Authentication-Results:\rmx1.example.com; dkim=pass",
        "Authentication-Results: mx1.example.com;\r dkim=pass\rX: y",
        "Authentication-Results: " + "(" + "x" * 3000 + ")mx1.example.com; dkim=pass",
        "Authentication-Results: mx1.example.com\u00a0; dkim=pass",
    ],
)
def test_a_field_with_a_name_of_ours_is_taken_out(field: str) -> None:
    raw = f"{field}\r\n".encode()
    assert without_forged(BEFORE + raw + AFTER, NAMES) == (BEFORE + AFTER, 1)
    assert without_forged(raw + AFTER, NAMES) == (AFTER, 1)
    assert without_forged(BEFORE + raw, NAMES) == (BEFORE, 1)


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: other.example; dkim=pass header.d=mx1.example.com",
        "Authentication-Results: mx1.example.com.evil.example; dkim=pass",
        "Authentication-Results: evil-mx1.example.com; dkim=pass",
        "Authentication-Results: mx1.example.com/1; dkim=pass",
        "Authentication-Results: example.com; dkim=pass",
        "Authentication-Results: (mx1.example.com) other.example; dkim=pass",
        "Authentication-Results: spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=mx1.example.com; a=b",
        "Authentication-Results:",
        "Authentication-Results: ; mx1.example.com",
        "Authentication-Results: other.example; mx1.example.com; dkim=pass",
        "Authentication-Results",
        "X-Authentication-Results: mx1.example.com; dkim=pass",
        "ARC-Authentication-Results: i=1; mx1.example.com; dkim=pass",
        "Authentication-Results-Original: mx1.example.com; dkim=pass",
        "Received: from x\r\n Authentication-Results: mx1.example.com; dkim=pass",
        "Subject: Authentication-Results: mx1.example.com; dkim=pass",
        "Authentication-Results: \u00fc.example; dkim=pass",
    ],
)
def test_any_other_field_stays(field: str) -> None:
    head = BEFORE + f"{field}\r\n".encode() + AFTER
    kept, count = without_forged(head, NAMES)
    assert kept is head
    assert count == 0


def test_several_are_counted() -> None:
    forged = b"Authentication-Results: mx1.example.com; dkim=pass\r\n"
    foreign = b"Authentication-Results: other.example; dkim=pass\r\n"
    assert without_forged(forged + forged + BEFORE + foreign + forged, NAMES) == (BEFORE + foreign, 3)


def test_after_a_bare_cr_only_the_forged_octets_go() -> None:
    head = b"X: a\rAuthentication-Results: mx1.example.com; dkim=pass\r\n and more\rY: b\r\n" + AFTER
    assert without_forged(head, NAMES) == (b"X: a\rY: b\r\n" + AFTER, 1)
    head = b"X: a\rAuthentication-Results: mx1.example.com; dkim=pass\r\n" + AFTER
    assert without_forged(head, NAMES) == (b"X: a\r\n" + AFTER, 1)


def test_a_field_that_one_reader_decodes_in_the_charset_of_the_message_and_another_does_not() -> None:
    charset = b"Content-Type: text/plain; charset=utf-16\r\n"
    plain = b"Authentication-Results: mx1.example.com \xff; dkim=pass\r\n"
    decoded = b"Authentication-Results:" + " mx1.example.com;\u3042".encode("utf-16-le") + b"\xff\r\n"
    assert without_forged(charset + plain, NAMES) == (charset, 1)
    assert without_forged(charset + decoded, NAMES) == (charset, 1)


def test_after_an_empty_line_too() -> None:
    head = BEFORE + b"\n" + b"Authentication-Results: mx1.example.com; dkim=pass\r\n"
    assert without_forged(head, NAMES) == (BEFORE + b"\n", 1)


def test_a_name_with_a_letter_that_idna_reads_in_two_ways() -> None:
    for written in ("stra\u00dfe.example", "strasse.example", "xn--strae-oqa.example"):
        head = f"Authentication-Results: {written}; dkim=pass\r\n".encode()
        assert without_forged(head, frozenset({"stra\u00dfe.example"})) == (b"", 1)


def test_without_names_nothing_is_taken_out() -> None:
    head = b"Authentication-Results: mx1.example.com; dkim=pass\r\n"
    assert without_forged(head, frozenset()) == (head, 0)


def test_a_flood_of_odd_fields_is_taken_out() -> None:
    odd = b"Authentication-Results: (c) other.example; dkim=pass\r\n"
    kept, count = without_forged(BEFORE + odd * 1000, NAMES)
    assert kept == BEFORE + odd * 64
    assert count == 936


def names_read(head: bytes) -> set[str]:
    """The authserv-ids that Python's email parser, authres and our own reader find."""
    values = [value for name, value in headers.parse_fields(head).all if name == "authentication-results"]
    texts = [headers.parse_fields(head).decode(value) for value in values]
    for rules in (policy.compat32, policy.default):
        found = message_from_bytes(head + b"\r\n", policy=rules).get_all("Authentication-Results", [])
        texts += [str(value) for value in found]
    names = set()
    for text in texts:
        names.add(text.partition(";")[0].strip(" \t\"'").rstrip(".").lower())
        try:
            names.add(
                authres.AuthenticationResultsHeader.parse_value(authres.all_features(), text).authserv_id
            )
        except Exception:  # It raises errors of many kinds for what it cannot read.
            continue
    return names


PIECES = st.sampled_from([
    b"Authentication-Results:", b"authentication-results : ", b"mx1.example.com", b"other.example",
    b"dkim=pass", b";", b" ", b"\t", b"\r\n", b"\r\n ", b"\r", b"\n", b"(", b")", b'"', b"\\", b"1", b"\0",
    b"X:", b"\xef\xbb\xbf", b"Subject: ", b"\xff", b"\x1b", b"=?utf-8?q?mx1.example.com?=",
    b"Content-Type: text/plain; charset=utf-16\r\n",
])  # fmt: skip
HEADS = st.lists(PIECES, max_size=16).map(lambda pieces: b"".join(pieces) + b"\r\n")


@settings(max_examples=400, deadline=None)
@given(st.one_of(HEADS, st.lists(HEADS, max_size=4).map(b"".join)))
@example(b"X: a\rAuthentication-Results: mx1.example.com; a=b\rAuthentication-Results: mx1.example.com\r\n")
@example(b'Authentication-Results: "\rAuthentication-Results: mx1.example.com; x\r\n mx1.example.com\r\n')
def test_no_reader_finds_our_name_in_what_is_left(head: bytes) -> None:
    kept, count = without_forged(head, NAMES)
    assert not names_read(kept) & NAMES
    assert without_forged(kept, NAMES) == (kept, 0)
    assert (kept == head) == (count == 0)


@settings(max_examples=300, deadline=None)
@given(st.lists(HEADS.map(lambda head: b"Z: " + re.sub(rb"\r(?!\n)", b"", head)), max_size=4).map(b"".join))
def test_all_other_fields_stay_as_they_are(head: bytes) -> None:
    kept, _ = without_forged(head, NAMES)
    before, after = header_fields.split(head), header_fields.split(kept)
    assert [each for each in after if each in before] == after
    is_result = rb"[^!-~]*authentication-results"
    assert [raw for _, raw in after if not re.match(is_result, raw, re.IGNORECASE)] == [
        raw for _, raw in before if not re.match(is_result, raw, re.IGNORECASE)
    ]
