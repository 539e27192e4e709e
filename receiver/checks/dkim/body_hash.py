"""The hash of a body that comes in pieces, canonicalized (RFC 6376 section 3.4). Pure, in constant memory.

What is held back of the body is at most a space and a CR, whose meaning depends on what follows, and a count
of the line ends that may turn out to be the last. One hash serves all signatures, whatever their l= is: the
state of the hash is copied when that many octets have passed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

_LINE_ENDS = b"\r\n" * 16_384


class BodyHash:
    """SHA-256 of a canonicalized body, and of its first octets for each length."""

    def __init__(self, relaxed: bool, lengths: Collection[int] = ()) -> None:
        self._relaxed = relaxed
        self._hash = hashlib.sha256()
        self._held = b""  # "", SP, CR, or SP CR
        self._line_ends = 0  # not hashed yet
        self._is_empty = True
        self._lengths = sorted(set(lengths), reverse=True)  # the next is the last
        self._at: dict[int, bytes] = {}
        self._total = 0  # octets hashed

    def update(self, piece: bytes) -> None:
        """Take octets of the body, whose lines end in CRLF, cut anywhere."""
        octets = self._held + piece if self._held else piece
        if self._relaxed:
            octets = _relaxed(octets)
        end = len(octets) - octets.endswith(b"\r")
        if self._relaxed and octets.endswith(b" ", 0, end):
            end -= 1
        self._held = octets[end:]
        if self._held:
            octets = octets[:end]
        content = _without_line_ends(octets)
        if content:
            self._take(content)
        self._line_ends += (end - len(content)) // 2

    def _take(self, content: bytes) -> None:
        while self._line_ends:
            some = min(self._line_ends * 2, len(_LINE_ENDS))
            self._feed(_LINE_ENDS[:some])
            self._line_ends -= some // 2
        self._feed(content)
        self._is_empty = False

    def _feed(self, octets: bytes) -> None:
        before, self._total = self._total, self._total + len(octets)
        while self._lengths and self._lengths[-1] <= self._total:
            length = self._lengths.pop()
            self._hash.update(octets[: length - before])
            octets, before = octets[length - before :], length
            self._at[length] = self._hash.digest()
        self._hash.update(octets)

    def finish(self) -> None:
        """End the body. It is to be called once, after the last piece."""
        held = b"" if self._relaxed and self._held == b" " else self._held
        if held:
            self._take(held)
        # Simple canonicalization makes one line end of an empty body, and relaxed leaves it empty.
        if not (self._relaxed and self._is_empty):
            self._feed(b"\r\n")
        if self._lengths and self._lengths[-1] == 0:
            self._feed(b"")

    def digest(self, length: int | None) -> bytes | None:
        """The hash of the first octets, or of all if `length` is None. None if the body is shorter."""
        return self._hash.digest() if length is None else self._at.get(length)

    def unsigned(self, length: int | None) -> int:
        """How many octets come after that length."""
        return 0 if length is None else self._total - length


def _relaxed(octets: bytes) -> bytes:
    octets = octets.replace(b"\t", b" ")
    if b" " not in octets:  # as in base64: one octet is found ten times faster than two
        return octets
    while b"  " in octets:  # It halves each run, so a mebibyte of spaces takes 20 rounds.
        octets = octets.replace(b"  ", b" ")
    return octets.replace(b" \r\n", b"\r\n")


def _without_line_ends(octets: bytes) -> bytes:
    """The octets without the CRLFs at their end."""
    if not octets.endswith(b"\n"):
        return octets
    content = octets.rstrip(b"\r\n")
    if len(octets) - len(content) == 2 and octets.endswith(b"\r\n"):
        return content
    tail = octets[len(content) :]
    # A lone CR or LF is content. Line ends come after the last two CR or two LF in a row.
    kept = max(tail.rfind(b"\r\r"), tail.rfind(b"\n\n")) + 1
    kept += tail.startswith(b"\n", kept)
    return octets[: len(content) + kept] if kept else content
