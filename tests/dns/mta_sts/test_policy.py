"""Policies and their TXT records, as RFC 8461 reads them."""

from __future__ import annotations

import hashlib

import pytest

from dns.mta_sts.policy import Policy, id_of, parse, record

POLICY = Policy("enforce", ("mx1.example.com", "mx2.example.com"), 604800)
TEXT = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: mx2.example.com\r\nmax_age: 604800\r\n"


def test_the_text_has_a_line_with_crlf_for_each_field() -> None:
    assert POLICY.text == TEXT


def test_the_id_is_the_head_of_the_digest_of_the_text() -> None:
    assert POLICY.id == hashlib.sha256(TEXT.encode()).hexdigest()[:20]


@pytest.mark.parametrize(
    "policy", [POLICY, Policy("none", (), 86400), Policy("testing", ("*.example.com",), 86400)]
)
def test_what_is_served_is_read_back_as_it_was(policy: Policy) -> None:
    assert parse(policy.text) == policy


def test_a_sender_reads_lf_other_orders_unknown_fields_and_only_the_first_of_two() -> None:
    text = "mode:enforce\nx-new.field: a: b\nmx:  MX1.example.com \nmode: none\nmax_age: 60\nversion: STSv1"
    assert parse(text) == Policy("enforce", ("mx1.example.com",), 60)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not of the form"),
        ("<html>\n", "not of the form"),
        (TEXT.replace("STSv1", "STSv2"), "its version is 'STSv2'"),
        (TEXT.replace("version: STSv1\r\n", ""), "its version is ''"),
        (TEXT.replace("enforce", "Enforce"), "its mode is 'Enforce'"),
        (TEXT.replace("604800", "31557601"), "its max_age is '31557601'"),
        (TEXT.replace("604800", "-1"), "its max_age is '-1'"),
        (TEXT.replace("604800", "٣"), "its max_age is"),
        (TEXT.replace("max_age: 604800\r\n", ""), "its max_age is ''"),
        ("version: STSv1\r\nmode: testing\r\nmax_age: 60\r\n", "lists no mx"),
        (TEXT.replace("mx1.example.com", "*"), "its mx '*'"),
        (TEXT.replace("mx1.example.com", "mx1.*.example.com"), "its mx 'mx1.[*].example.com'"),
        (TEXT + "\r\n", "not of the form"),
    ],
)
def test_a_policy_that_no_sender_would_take_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    ("pattern", "hostname", "listed"),
    [
        ("mx1.example.com", "mx1.example.com", True),
        ("mx1.example.com", "MX1.example.com.", True),
        ("mx1.example.com", "mx2.example.com", False),
        ("mx1.example.com", "a.mx1.example.com", False),
        ("*.example.com", "mx1.example.com", True),
        ("*.example.com", "a.mx1.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.com", "example.com", True),
    ],
)
def test_a_star_stands_for_the_leftmost_label(pattern: str, hostname: str, listed: bool) -> None:
    assert Policy("enforce", (pattern,), 60).lists(hostname) is listed


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([record("abc")], "abc"),
        (["v=STSv1;id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1 ; x=y; id = a1 ; z=1"], "a1"),
        (["v=spf1 -all", "v=STSv1; id=a"], "a"),
        ([], None),
        (["v=STSv1; id=a", "v=STSv1; id=b"], None),
        (["v=STSv1; id=a", "v=STSv1; id="], None),
        (["v=STSv1"], None),
        (["v=STSv1; id=a-b"], None),
        (["v=STSv1; id=" + "a" * 33], None),
        (["v=stsv1; id=a"], None),
        ([" v=STSv1; id=a"], None),
    ],
)
def test_the_id_counts_if_exactly_one_record_tells_of_a_policy(texts: list[str], found: str | None) -> None:
    assert id_of(texts) == found
