"""Header fields out of hostile octets: bounded, never raising (RFC 5322 section 2.2, RFC 2047, RFC 2231)."""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

MAX_HEAD = 262_144  # octets of a header section that are looked at
_MAX_FIELDS = 2000
_MAX_VALUE = 16_384  # octets of one field, unfolded
_MAX_PARAMETERS = 4096  # characters of a structured field whose parameters are read

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
_FOLD = re.compile(rb"\r?\n[ \t]")
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r';\s*([^\s=;"]{1,100})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
# Python calls these encodings too; no mail is written in them, and some take quadratic time.
_NOT_CHARSETS = {"charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}


@dataclass(frozen=True, slots=True)
class Fields:
    """A header section: names in lower case, values as they came, in order."""

    all: tuple[tuple[str, bytes], ...] = ()
    _first: dict[str, bytes] = field(default_factory=dict)

    def raw(self, name: str) -> bytes:
        """The first field of this name, unfolded; empty if there is none."""
        return self._first.get(name, b"")

    def text(self, name: str) -> str:
        """The first field of this name as a reader should see it, encoded words decoded."""
        return decoded(self.raw(name))

    def parameters(self, name: str) -> tuple[str, Mapping[str, str]]:
        """A structured field: its value in lower case, and its parameters (RFC 2045, RFC 2231)."""
        whole = text_of(self.raw(name))[:_MAX_PARAMETERS]
        return whole.partition(";")[0].strip().lower(), _parameters(whole)


def parse(head: bytes) -> Fields:
    """The fields of a header section, with CRLF or LF. What is no field is passed over."""
    fields = tuple(_fields(head[:MAX_HEAD]))
    return Fields(fields, dict(reversed(fields)))


def _fields(head: bytes) -> Iterator[tuple[str, bytes]]:
    at = count = 0
    while at < len(head) and count < _MAX_FIELDS:
        if found := _FIELD.match(head, at):
            value = _FOLD.sub(b" ", found[2])[:_MAX_VALUE].strip()
            yield found[1].decode("ascii").lower(), value
            count += 1
            at = found.end()
        at = head.find(b"\n", at) + 1 or len(head)


def decoded(value: bytes) -> str:
    """An unstructured value with its encoded words decoded (RFC 2047); other octets are taken as UTF-8."""
    text = text_of(value)
    if "=?" not in text:
        return text
    out: list[str] = []
    words: list[tuple[str, bytes]] = []  # adjacent ones: a character may be split between two
    at = 0
    for found in _WORD.finditer(text):
        between = text[at : found.start()]
        if between.strip() or not words:
            out += [_joined(words), between]
            words = []
        words.append((found[1].partition("*")[0], _word(found[2], found[3])))
        at = found.end()
    return "".join([*out, _joined(words), text[at:]])


def _joined(words: list[tuple[str, bytes]]) -> str:
    text, at = [], 0
    while at < len(words):
        end = at + 1
        while end < len(words) and words[end][0].lower() == words[at][0].lower():
            end += 1
        text.append(text_of(b"".join(octets for _, octets in words[at:end]), words[at][0]))
        at = end
    return "".join(text)


def _word(encoding: str, text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if encoding in "bB":
        return base64(octets)
    return binascii.a2b_qp(octets, header=True)


def base64(octets: bytes) -> bytes:
    """Base64 as far as it goes: foreign characters are passed over, a truncated end is left out."""
    octets = _NOT_BASE64.sub(b"", octets)
    if len(octets) % 4 == 1:
        octets = octets[:-1]
    return binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))


def text_of(octets: bytes, charset: str = "") -> str:
    """The text, whatever is wrong with the octets or the charset's name; without one, UTF-8 if it is that."""
    try:
        if charset and codecs.lookup(charset).name.replace("_", "-") not in _NOT_CHARSETS:
            strict = charset.lower() in ("us-ascii", "ascii")  # often said of what is not
            return octets.decode(charset, "strict" if strict else "replace")
    except (LookupError, ValueError):
        pass  # unknown, or no charset at all
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("utf-8" if not charset else "cp1252", "replace")


def _parameters(text: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for found in _PARAMETER.finditer(text):
        name = found[1].lower()
        value = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(name, value)
            continue
        number = rest.rstrip("*")
        if not number or (number.isascii() and number.isdigit() and len(number) < 4):
            pieces.setdefault(base, {})[int(number or 0)] = (name.endswith("*"), value)
    return {**plain, **{base: _continued(numbered) for base, numbered in pieces.items()}}


def _continued(pieces: Mapping[int, tuple[bool, str]]) -> str:
    """A value in pieces, `name*0*=charset'language'percent-encoded` (RFC 2231 sections 3 and 4)."""
    charset, octets = "", b""
    for at, number in enumerate(sorted(pieces)):
        encoded, value = pieces[number]
        if encoded and at == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        octets += unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
    return text_of(octets, charset)
