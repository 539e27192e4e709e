"""Encoded words, such as `=?utf-8?Q?Gr=C3=BC=C3=9Fe?=` (RFC 2047), and lenient base64. Never raises.

Encoded words that break the rules of RFC 2047 section 5 are decoded all the same, as mail readers do. Such
words stand in quotes, have no space between them, are too long, or hold a bare question mark.
"""

from __future__ import annotations

import binascii
import re

from receiver import charsets

_MAX_PIECES = 10_000  # of base64 that has padding in its middle
# The text of a word may hold anything but the start of another word, so each character is looked at once.
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?((?:[^?=]|=(?!\?(?!=))|\?(?!=))*)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decode(value: bytes, charset: str = "") -> str:
    """Decode the encoded words of an unstructured value (RFC 2047).

    The other octets are decoded as UTF-8 (RFC 6532) if they are valid UTF-8, else as `charset`.
    """
    text = _raw_text(value, charset)
    if "=?" not in text:
        return text
    out: list[str] = []
    words: list[tuple[str, bytes]] = []  # adjacent words, because a character may be split between two
    at = 0
    for found in _WORD.finditer(text):
        label = found[1].partition("*")[0]  # a language may follow (RFC 2231 section 5)
        if not (charsets.is_known(label) or charsets.is_no_charset(label)):
            continue  # An unknown charset stays as it came (RFC 2047 section 6.2).
        between = text[at : found.start()]
        if between.strip() or not words:
            out += [_decode_words(words), between]
            words = []
        words.append((label, _octets(found[2], found[3])))
        at = found.end()
    return "".join([*out, _decode_words(words), text[at:]])


def _raw_text(value: bytes, charset: str) -> str:
    if b"\x1b" in value and charsets.is_iso_2022(charset):
        return charsets.decode(value, charset)
    try:
        return value.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except ValueError:
        return charsets.decode(value, charset)


def _decode_words(words: list[tuple[str, bytes]]) -> str:
    """The text of adjacent words, given as charset and octets. Neighbours of one charset are joined first."""
    text, at = [], 0
    while at < len(words):
        end = at + 1
        while end < len(words) and words[end][0].lower() == words[at][0].lower():
            end += 1
        text.append(charsets.decode(b"".join(octets for _, octets in words[at:end]), words[at][0]))
        at = end
    return "".join(text)


def _octets(encoding: str, text: str) -> bytes:
    """The octets of a word's text. `encoding` is B or Q."""
    octets = text.encode("utf-8", "replace")
    if encoding in "bB":
        return decode_base64(octets)
    return binascii.a2b_qp(octets, header=True)


def decode_base64(octets: bytes) -> bytes:
    """Decode base64 (RFC 4648). Skips foreign characters, and leaves out an incomplete end.

    Padding in the middle ends one piece of base64. Another piece begins after it.
    """
    pieces = octets.split(b"=", _MAX_PIECES) if b"=" in octets.rstrip(b"=\r\n\t ") else [octets]
    return b"".join(map(_decode_piece, pieces))


def _decode_piece(octets: bytes) -> bytes:
    octets = _NOT_BASE64.sub(b"", octets)
    if len(octets) % 4 == 1:
        octets = octets[:-1]
    return binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))
