"""What is done to a signed message on its way: small changes, some of which a signature survives."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Change = Callable[[random.Random, bytes, bytes], tuple[bytes, bytes]]
"""From the header section, without its last CRLF, and the body to others."""


def _in_head(old: bytes, new: bytes, count: int = 1) -> Change:
    """A change by a regular expression."""
    return lambda dice, head, body: (re.sub(old, new, head, count=count), body)


def _in_body(old: bytes, new: bytes) -> Change:
    return lambda dice, head, body: (head, re.sub(old, new, body, count=1))


def _swapped(dice: random.Random, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    fields = re.split(rb"\r\n(?![ \t])", head)
    dice.shuffle(fields)
    return b"\r\n".join(fields), body


def _one_left_out(dice: random.Random, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    fields = re.split(rb"\r\n(?![ \t])", head)
    del fields[dice.randrange(len(fields))]
    return b"\r\n".join(fields), body


def _refolded(dice: random.Random, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    places = [found.start() for found in re.finditer(rb"(?<=;) ", head)]
    at = dice.choice(places) if places else 0
    return (head[:at] + b"\r\n\t" + head[at:] if places else head), body


def _one_octet(dice: random.Random, head: bytes, body: bytes) -> tuple[bytes, bytes]:
    places = [found.start(1) for found in re.finditer(rb"b=[\w+/\r\n ]*([A-Za-z])", head)]
    if not places:
        return head, body
    at = dice.choice(places)
    return head[:at] + bytes([head[at] ^ 1]) + head[at + 1 :], body


CHANGES: dict[str, Change] = {
    "line end added": _in_body(rb"\Z", b"\r\n"),
    "letter changed": _in_body(rb"[ab]", b"z"),
    "space doubled": _in_body(rb" ", b"  "),
    "space for a tab": _in_body(rb"\t", b" "),
    "space at a line's end": _in_body(rb"\r\n", b" \r\n"),
    "last line ends cut to one": _in_body(rb"(?:\r\n)*\Z", b"\r\n"),
    "last line end cut off": _in_body(rb"(?:\r\n)+\Z", b""),
    "space appended": _in_body(rb"\Z", b" "),
    "line appended": _in_body(rb"\Z", b"PS: buy\r\n"),
    "empty line within": _in_body(rb"\r\n", b"\r\n\r\n"),
    "body emptied": _in_body(rb"(?s)\A.*\Z", b""),
    "field added at the end": _in_head(rb"\Z", b"\r\nX-Added: 1"),
    "field added at the top": _in_head(rb"\A", b"Received: from here\r\n"),
    "subject added at the top": _in_head(rb"\A", b"Subject: first\r\n"),
    "subject added at the end": _in_head(rb"\Z", b"\r\nSubject: last"),
    "author added at the top": _in_head(rb"\A", b"From: eve@example.net\r\n"),
    "author added at the end": _in_head(rb"\Z", b"\r\nFrom: eve@example.net"),
    "space before a colon": _in_head(rb"\r\n(To|Date):", rb"\r\n\1 :"),
    "space after a colon": _in_head(rb"\r\n(From|To|Date):", rb"\r\n\1:  "),
    "another case of a name": _in_head(rb"\r\nSubject:", b"\r\nSUBJECT:"),
    "value changed": _in_head(rb"x@y\.test", b"v@y.test"),
    "fields shuffled": _swapped,
    "field left out": _one_left_out,
    "signature folded": _refolded,
    "octet of a signature changed": _one_octet,
    "space in b=": _in_head(rb"( b=[\w+/]{20})", rb"\1 \t"),
    "unknown tag added": _in_head(rb"v=1;", b"v=1; y=z;"),
    "tag twice": _in_head(rb"(d=example\.com;)", rb"\1 \1"),
    "empty tag": _in_head(rb"(d=example\.com;)", rb"\1;"),
    "version left out": _in_head(rb"v=1;", b""),
    "expired": _in_head(rb"v=1;", b"v=1; x=1117574938;"),
    "expires later": _in_head(rb"v=1;", b"v=1; x=9999999999;"),
    "shorter length": _in_head(rb" l=\d+;", b" l=0;"),
    "longer length": _in_head(rb" l=(\d+);", rb" l=\g<1>9;"),
    "another domain": _in_head(rb"d=example\.com;", b"d=example.net;"),
    "signature without From": _in_head(rb"(?i)(h=[^;]*?)(?<=[:=]|[ \t])from(?=[ \t]*[:;])", rb"\1to"),
    "broken signature on top": _in_head(rb"\A", b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; b=\r\n"),
}  # fmt: skip
