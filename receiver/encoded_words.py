"""Encoded words, as `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=` (RFC 2047), and the base64 in them. Never raises.

Words that break the rules of RFC 2047 section 5 (inside of quotes, without a space between, too long, with a
bare question mark) are read as what they mean, as mail readers do.
"""

from __future__ import annotations

import binascii
import re

from receiver import charsets

_MAX_PIECES = 10_000  # of base64 with padding in its middle
# Between two marks anything goes but another beginning of a word: so each octet is looked at once.
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?((?:[^?=]|=(?!\?(?!=))|\?(?!=))*)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decode(value: bytes, charset: str = "") -> str:
    """An unstructured value with its encoded words decoded (RFC 2047).

    Other octets are UTF-8 (RFC 6532) where they can be, else in `charset`.
    """
    text = _raw_text(value, charset)
    if "=?" not in text:
        return text
    out: list[str] = []
    words: list[tuple[str, bytes]] = []  # adjacent ones: a character may be split between two
    at = 0
    for found in _WORD.finditer(text):
        label = found[1].partition("*")[0]  # a language may follow (RFC 2231 section 5)
        if not (charsets.is_known(label) or charsets.is_no_charset(label)):
            continue  # shown as it came (RFC 2047 section 6.2)
        between = text[at : found.start()]
        if between.strip() or not words:
            out += [_joined(words), between]
            words = []
        words.append((label, _word(found[2], found[3])))
        at = found.end()
    return "".join([*out, _joined(words), text[at:]])


def _raw_text(value: bytes, charset: str) -> str:
    if b"\x1b" in value and charsets.is_iso_2022(charset):
        return charsets.decode(value, charset)
    try:
        return value.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except ValueError:
        return charsets.decode(value, charset)


def _joined(words: list[tuple[str, bytes]]) -> str:
    text, at = [], 0
    while at < len(words):
        end = at + 1
        while end < len(words) and words[end][0].lower() == words[at][0].lower():
            end += 1
        text.append(charsets.decode(b"".join(octets for _, octets in words[at:end]), words[at][0]))
        at = end
    return "".join(text)


def _word(encoding: str, text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if encoding in "bB":
        return base64(octets)
    return binascii.a2b_qp(octets, header=True)


def base64(octets: bytes) -> bytes:
    """Base64 as far as it goes: foreign characters are passed over, a truncated end is left out.

    Padding in the middle ends a piece, and another begins behind it.
    """
    pieces = octets.split(b"=", _MAX_PIECES) if b"=" in octets.rstrip(b"=\r\n\t ") else [octets]
    return b"".join(map(_base64_piece, pieces))


def _base64_piece(octets: bytes) -> bytes:
    octets = _NOT_BASE64.sub(b"", octets)
    if len(octets) % 4 == 1:
        octets = octets[:-1]
    return binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))
