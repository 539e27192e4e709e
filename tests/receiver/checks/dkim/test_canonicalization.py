"""A body in any pieces, and a field, are canonicalized as the RFC says it of whole ones."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.checks.dkim.body_hash import BodyHash
from receiver.checks.dkim.header_hash import relaxed, without_signature
from tests.receiver.checks.dkim import naive

BODIES = st.lists(
    st.sampled_from([b"\r\n", b"\r", b" ", b"\t", b"  \t ", b"a", b"bc d", b".", b"\xff\0", b"\r\n\r\n\r\n"]),
    max_size=24,
).map(b"".join)
ANY = BODIES | st.binary(max_size=60)


def digests(body: bytes, relaxed: bool, cuts: list[int], lengths: tuple[int, ...] = ()) -> BodyHash:
    found = BodyHash(relaxed, lengths)
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for begin, end in itertools.pairwise(edges):
        found.update(body[begin:end])
    found.finish()
    return found


@settings(max_examples=700, deadline=None)
@given(body=ANY, relaxed=st.booleans(), cuts=st.lists(st.integers(0, 200), max_size=12))
def test_a_body_in_any_pieces_has_the_hash_of_the_whole(body: bytes, relaxed: bool, cuts: list[int]) -> None:
    whole = naive.canonical_body(body, relaxed)
    assert digests(body, relaxed, cuts).digest(None) == hashlib.sha256(whole).digest()


@settings(max_examples=500, deadline=None)
@given(
    body=ANY,
    relaxed=st.booleans(),
    cuts=st.lists(st.integers(0, 200), max_size=12),
    lengths=st.lists(st.integers(0, 70), min_size=1, max_size=8),
)
def test_every_length_has_the_hash_of_that_many_octets(
    body: bytes, relaxed: bool, cuts: list[int], lengths: list[int]
) -> None:
    whole = naive.canonical_body(body, relaxed)
    found = digests(body, relaxed, cuts, tuple(lengths))
    for length in lengths:
        expected = hashlib.sha256(whole[:length]).digest() if length <= len(whole) else None
        assert found.digest(length) == expected
        assert found.unsigned(length) == len(whole) - length


@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("unit", [b"\r\n", b" ", b"\t", b"\r", b" \r\n", b"\r\r\n", b"\n"])
def test_long_runs_have_the_hash_of_the_whole(relaxed: bool, unit: bytes) -> None:
    body = b"a" + unit * 9000 + b"b" + unit * 9000
    whole = naive.canonical_body(body, relaxed)
    cuts = list(range(0, len(body), 4097))
    assert digests(body, relaxed, cuts).digest(None) == hashlib.sha256(whole).digest()


@settings(max_examples=500, deadline=None)
@given(
    name=st.sampled_from([b"Subject", b"X-a ", b"FROM\t"]),
    value=st.lists(
        st.sampled_from([b" ", b"\t", b"\r\n ", b"\r\n\t", b"a", b"B:c", "ä".encode(), b"\r", b";b="]),
        max_size=12,
    ).map(b"".join),
)
def test_a_relaxed_field_is_as_the_rfc_says(name: bytes, value: bytes) -> None:
    assert relaxed(name + b":" + value + b"\r\n") == naive.canonical_field(name, value, relaxed=True)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"D: a=1; b=xy; c=2\r\n", b"D: a=1; b=; c=2\r\n"),
        (b"D: a=1; b=xy\r\n", b"D: a=1; b="),
        (b"D: a=1;\r\n\tb = x\r\n\ty\r\n\t;c=2\r\n", b"D: a=1;\r\n\tb =;c=2\r\n"),
        (b"D:b=xy; bh=z\r\n", b"D:b=; bh=z\r\n"),
        (b"D: bh=b=; b=xy\r\n", b"D: bh=b=; b="),
        (b"D: h=b; bb=1; b=xy;\r\n", b"D: h=b; bb=1; b=;\r\n"),
    ],
)
def test_the_value_of_b_is_taken_out_up_to_the_next_semicolon(field: bytes, expected: bytes) -> None:
    assert without_signature(field) == expected
