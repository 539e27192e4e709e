"""The search for boundaries: exact, in one pass, and the innermost first."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from receiver.content import mime
from tests.receiver.hostile_growth import nested

WORDS = st.binary(min_size=1, max_size=6).map(lambda each: each.replace(b"\n", b"-").replace(b"\r", b"-"))


@given(st.sets(WORDS, min_size=1, max_size=8), WORDS)
def test_the_pattern_of_several_words_matches_them_and_nothing_else(words: set[bytes], other: bytes) -> None:
    pattern = re.compile(mime._tree(sorted(words)), re.DOTALL)
    assert all(pattern.fullmatch(word) for word in words)
    assert bool(pattern.fullmatch(other)) == (other in words)


class Counted(bytes):
    """A message that counts the octets which are copied out of it."""

    copied = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        piece = super().__getitem__(key)
        Counted.copied += len(piece) if isinstance(key, slice) else 1
        return piece


def test_only_the_headers_of_a_message_are_copied() -> None:
    message = Counted(nested(29) + b"\n--b1x" * 100_000)
    mime.parse(message)
    assert Counted.copied < 20_000


def test_a_boundary_needs_its_line_for_itself() -> None:
    def texts(*lines: bytes) -> list[bytes]:
        message = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n" + b"\n".join(lines)
        return [message[part.start : part.end] for part in mime.parse(message).leaves()]

    assert texts(b"--b", b"", b"two") == [b"one", b"two"]
    assert texts(b"--b \t\r", b"", b"two") == [b"one", b"two"]
    assert texts(b"--bx", b"", b"two") == [b"one\n--bx\n\ntwo"]
    assert texts(b"--b x", b"", b"two") == [b"one\n--b x\n\ntwo"]
    assert texts(b" --b", b"", b"two") == [b"one\n --b\n\ntwo"]
    assert texts(b"--b--") == texts(b"--b-- ") == [b"one"]
    assert texts(b"--b") == [b"one", b""]
    assert texts(b"--b-") == [b"one\n--b-"]


def test_similar_boundaries_are_told_apart() -> None:
    message = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n"
        b"--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n"
    )
    assert [message[part.start : part.end] for part in mime.parse(message).leaves()] == [b"one", b"two"]
