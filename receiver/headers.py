"""Header fields of hostile mail (RFC 5322 section 2.2), in bounded time and memory. Never raises.

The log and the reading commands both use this module, so they show the same fields. It is as lenient as mail
readers are: it skips a byte order mark before a name, and lines that are not fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from receiver import charsets, encoded_words, parameters

MAX_HEAD = 131_072  # octets of a header section that are parsed; the receiver keeps as many for its log
LONGEST = 1000  # characters of a field in a list or in the log
_MAX_FIELDS = 2000
_MAX_VALUE = 16_384  # octets of one field, unfolded

_VALUE = rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
_FIELD = re.compile(rb"^(?:\xef\xbb\xbf)?([!-9;-~]{1,200})" + _VALUE, re.MULTILINE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


@dataclass(frozen=True)
class Fields:
    """A header section. `all` has its fields in order: the name in lower case, and the raw value unfolded."""

    all: tuple[tuple[str, bytes], ...] = ()
    rest: bytes = b""  # the octets after the fields in `all`; searched only when a field is asked for

    @cached_property
    def _first(self) -> dict[str, bytes]:
        return dict(reversed(self.all))

    def raw(self, name: str) -> bytes:
        """The first field of this name (in lower case), unfolded; empty if there is none."""
        value = self._first.get(name)
        return (_find(self.rest, name) or b"" if self.rest else b"") if value is None else value

    def text(self, name: str) -> str:
        """The first field of this name, with its encoded words decoded; empty if there is none."""
        return self.decode(self.raw(name))

    def decode(self, value: bytes) -> str:
        """Decode a value of this section. Octets that are not valid UTF-8 are in the message's charset."""
        return encoded_words.decode(value, self._charset)

    @cached_property
    def _charset(self) -> str:
        return self.parameters("content-type")[1].get("charset", "")

    def parameters(self, name: str) -> tuple[str, Mapping[str, str]]:
        """A structured field: its value in lower case, and its parameters (RFC 2045, RFC 2231)."""
        return parameters.parse_field(charsets.decode(self.raw(name)))


def parse_fields(head: bytes) -> Fields:
    """Parse a header section whose lines end in CRLF or LF. Skips lines that are not fields."""
    fields, end = [], 0
    for found in islice(_FIELD.finditer(head), _MAX_FIELDS):
        fields.append((found[1].decode("ascii").lower(), _unfold(found[2])))
        end = found.end()
    return Fields(tuple(fields), head[end:] if len(fields) == _MAX_FIELDS else b"")


def lazy_fields(head: bytes) -> Fields:
    """A header section in which each field is searched when it is asked for. Its `all` stays empty."""
    return Fields(rest=head)


def has_fields(head: bytes) -> bool:
    """Whether there is at least one field."""
    return _FIELD.search(head) is not None


def first_text(head: bytes, name: str) -> str | None:
    """The first LONGEST characters of `parse_fields(head).text(name)`, without parsing all fields.

    None if there is no such field.
    """
    head = b"" if head.startswith((b"\r\n", b"\n")) else head[:MAX_HEAD]
    value = _find(head, name)
    if value is None:
        return None
    if value.isascii() and b"\x1b" not in value:
        return encoded_words.decode(value)[:LONGEST]
    return Fields((("content-type", _find(head, "content-type") or b""),)).decode(value)[:LONGEST]


def _find(head: bytes, name: str) -> bytes | None:
    found = _field_pattern(name).search(head)
    return _unfold(found[1]) if found else None


@lru_cache(64)
def _field_pattern(name: str) -> re.Pattern[bytes]:
    beginning = rb"^(?:\xef\xbb\xbf)?" + re.escape(name.encode("ascii"))
    return re.compile(beginning + _VALUE, re.IGNORECASE | re.MULTILINE)


def _unfold(value: bytes) -> bytes:
    """The value on one line (RFC 5322 section 2.2.3), cut to _MAX_VALUE octets."""
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return value[:_MAX_VALUE].strip()
