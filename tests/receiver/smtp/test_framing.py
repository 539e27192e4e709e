"""Cutting octets into commands and content, for any pieces in which they arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.smtp.framing import Fault, Framing

pieces = st.lists(st.integers(1, 9), max_size=60)
text = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"text", b"\xc3\xa9"]), max_size=40).map(
    b"".join
)
hostile = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\0", b"a", b"\r\n"]), max_size=40).map(b"".join)


def cut(octets: bytes, sizes: list[int]) -> list[bytes]:
    parts = []
    for size in sizes:
        parts.append(octets[:size])
        octets = octets[size:]
    return [part for part in (*parts, octets) if part]


def stuffed(message: bytes) -> bytes:
    """The message as a sender sends it. It gets a CRLF at its end if it has none."""
    lines = b"\r\n" + message
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return lines.replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def receive_data(framing: Framing, parts: list[bytes]) -> tuple[bytes, int]:
    """The content, and how many times it ended."""
    content, ends = b"", 0
    framing.begin_message()
    framing.begin_data()
    for part in parts:
        framing.receive(part)
        while not ends and (found := framing.content()) is not None:
            content += found[0]
            ends += found[1]
    framing.inspection.end()
    return content, ends


@settings(max_examples=400)
@given(text, pieces)
def test_any_message_in_any_pieces_comes_out_equal(message: bytes, sizes: list[int]) -> None:
    framing = Framing()
    content, ends = receive_data(framing, cut(stuffed(message) + b"QUIT\r\n", sizes))
    assert ends == 1
    assert content == message + (b"" if message.endswith(b"\r\n") or not message else b"\r\n")
    assert framing.command() == b"QUIT"
    assert framing.inspection.fault is None


@settings(max_examples=400)
@given(hostile, pieces)
def test_content_ends_at_the_first_crlf_dot_crlf_and_nowhere_else(octets: bytes, sizes: list[int]) -> None:
    wire = octets + b"\r\n.\r\nNOOP\r\n"
    end = (b"\r\n" + wire).find(b"\r\n.\r\n")
    framing = Framing()
    content, ends = receive_data(framing, cut(wire, sizes))
    assert ends == 1
    assert framing.waiting == len(wire) - end - 3
    assert content == (b"\r\n" + wire)[: end + 2].replace(b"\r\n.", b"\r\n")[2:]
    whole = wire[:end]
    faulty = (
        b"\0" in whole
        or whole.count(b"\r") != whole.count(b"\n")
        or whole.count(b"\r\n") != whole.count(b"\n")
    )
    assert (framing.inspection.fault is not None) == faulty


@settings(max_examples=200)
@given(hostile, pieces)
def test_a_chunk_comes_out_as_it_is(octets: bytes, sizes: list[int]) -> None:
    framing = Framing()
    framing.begin_message()
    framing.begin_chunk(len(octets))
    content = b""
    for part in cut(octets + b"NOOP\r\n", sizes):
        framing.receive(part)
        while len(content) < len(octets) and (found := framing.content()) is not None:
            content += found[0]
    framing.inspection.end()
    assert content == octets
    assert framing.command() == b"NOOP"
    faulty = b"\0" in octets or not octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    assert (framing.inspection.fault is not None) == faulty


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"NOOP\n", Fault.BARE_LF),
        (b"NO\rOP\r\n", Fault.BARE_CR),
        (b"NOOP\r\r\n", Fault.BARE_CR),
        (b"NO\0OP\r\n", Fault.NUL),
        (b"x" * 100 + b"\r\n", Fault.TOO_LONG),
    ],
)
def test_the_fault_of_a_command_line_is_reported(octets: bytes, fault: Fault) -> None:
    framing = Framing(command_line=100)
    framing.receive(octets + b"QUIT\r\n")
    assert framing.command() is fault
    assert framing.command() == b"QUIT"


def test_a_command_line_without_an_end_is_not_kept() -> None:
    framing = Framing(command_line=100)
    for _ in range(1000):
        framing.receive(b"x" * 90)
        assert framing.command() is None
        assert framing.waiting <= 100
    framing.receive(b"\r\nQUIT\r\n")
    assert framing.command() is Fault.TOO_LONG
    assert framing.command() == b"QUIT"


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20), pieces)
def test_the_line_limit_counts_every_line_over_any_split(lengths: list[int], sizes: list[int]) -> None:
    wire = b"".join(b"x" * length + b"\r\n" for length in lengths) + b".\r\n"
    framing = Framing(line=20)
    _, ends = receive_data(framing, cut(wire, sizes))
    assert ends == 1
    assert (framing.inspection.fault is Fault.TOO_LONG) == any(length + 2 > 20 for length in lengths)
