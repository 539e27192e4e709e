"""The header section is held back until it is whole, however the content is cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.smtp.transaction.header_gate import LIMIT, HeaderGate, HeaderTooLarge

PARTS = st.lists(
    st.sampled_from([b"A: b\r\n", b"\r\n", b"\r", b"\n", b" folded\r\n", b"text", b"."]), max_size=12
)


def passed(content: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """The header section and the rest, with the content cut into pieces of these sizes in turn."""
    gate, at, turn = HeaderGate(), 0, 0
    while at < len(content):
        size = cuts[turn % len(cuts)]
        found = gate.add(content[at : at + size])
        at, turn = at + size, turn + 1
        if found:
            return found[0], found[1] + content[at:]
    return gate.rest(), b""


@given(PARTS, st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_any_cut_gives_the_same_header_section(parts: list[bytes], cuts: list[int]) -> None:
    content = b"".join(parts)
    head, rest = passed(content, cuts)
    assert head + rest == content
    if content.startswith(b"\r\n"):
        assert head == b""
    elif b"\r\n\r\n" in content:
        assert (head[:-2], rest[:2]) == (content.partition(b"\r\n\r\n")[0], b"\r\n")
    else:
        assert rest == b""


def test_an_empty_piece_changes_nothing() -> None:
    gate = HeaderGate()
    assert gate.add(b"") is None
    assert gate.add(b"A: b\r\n\r") is None
    assert gate.add(b"") is None
    assert gate.add(b"\nbody") == (b"A: b\r\n", b"\r\nbody")


@pytest.mark.parametrize("size", [1000, 65_536, LIMIT * 2])
def test_a_header_section_up_to_the_limit_passes_and_a_larger_one_does_not(size: int) -> None:
    line = b"X: " + b"x" * 59 + b"\r\n"
    largest = line * (LIMIT // len(line))
    assert len(largest) == LIMIT
    assert passed(largest + b"\r\nbody", [size]) == (largest, b"\r\nbody")
    for more in (b"X" + largest, largest + b"X:\r\n"):
        with pytest.raises(HeaderTooLarge):
            passed(more + b"\r\nbody", [size])
    with pytest.raises(HeaderTooLarge):
        passed(b"x" * (LIMIT + 2), [size])


def test_a_header_section_in_tiny_pieces_takes_no_quadratic_time() -> None:
    content = b"X: yz\r\n" * 30_000 + b"\r\n"
    began = time.process_time()
    assert passed(content, [3])[0] == content[:-2]
    assert time.process_time() - began < 1.0
