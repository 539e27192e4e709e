"""Header fields out of hostile octets: bounded, never raising (RFC 5322 section 2.2).

The one way to read a field, for the log and for the reading commands. Lenient as mail readers are: a byte
order mark before a name is passed over, and what is no field too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from receiver import charsets, encoded_words, parameters

MAX_HEAD = 131_072  # octets of a header section that are looked at, as the receiver keeps for its log
LONGEST = 1000  # characters of a field that a list or the log shows
_MAX_FIELDS = 2000
_MAX_VALUE = 16_384  # octets of one field, unfolded

_VALUE = rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
_FIELD = re.compile(rb"^(?:\xef\xbb\xbf)?([!-9;-~]{1,200})" + _VALUE, re.MULTILINE)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


@dataclass(frozen=True)
class Fields:
    """A header section: names in lower case, values as they came, in order."""

    all: tuple[tuple[str, bytes], ...] = ()
    rest: bytes = b""  # what lies behind the first thousands of fields, not yet looked at

    @cached_property
    def _first(self) -> dict[str, bytes]:
        return dict(reversed(self.all))

    def raw(self, name: str) -> bytes:
        """The first field of this name, unfolded; empty if there is none."""
        value = self._first.get(name)
        return (_find(self.rest, name) or b"" if self.rest else b"") if value is None else value

    def text(self, name: str) -> str:
        """The first field of this name as a reader should see it, encoded words decoded."""
        return self.decoded(self.raw(name))

    def decoded(self, value: bytes) -> str:
        """A value of this section: octets beyond ASCII that are not UTF-8 are in the message's charset."""
        return encoded_words.decode(value, self._charset)

    @cached_property
    def _charset(self) -> str:
        return self.parameters("content-type")[1].get("charset", "")

    def parameters(self, name: str) -> tuple[str, Mapping[str, str]]:
        """A structured field: its value in lower case, and its parameters (RFC 2045, RFC 2231)."""
        return parameters.parse(charsets.decode(self.raw(name)))


def parse(head: bytes) -> Fields:
    """The fields of a header section, with CRLF or LF. What is no field is passed over."""
    fields, end = [], 0
    for found in islice(_FIELD.finditer(head), _MAX_FIELDS):
        fields.append((found[1].decode("ascii").lower(), _unfolded(found[2])))
        end = found.end()
    return Fields(tuple(fields), head[end:] if len(fields) == _MAX_FIELDS else b"")


def unread(head: bytes) -> Fields:
    """The same, but each field is only looked for when it is asked for, and `all` stays empty."""
    return Fields(rest=head)


def has_any(head: bytes) -> bool:
    """Whether there is a field in it at all."""
    return _FIELD.search(head) is not None


def first(head: bytes, name: str) -> str | None:
    """What `parse(head).text(name)` begins with, without reading all fields; None if there is none.

    At most LONGEST characters.
    """
    head = b"" if head.startswith((b"\r\n", b"\n")) else head[:MAX_HEAD]
    value = _find(head, name)
    if value is None:
        return None
    if value.isascii() and b"\x1b" not in value:
        return encoded_words.decode(value)[:LONGEST]
    return Fields((("content-type", _find(head, "content-type") or b""),)).decoded(value)[:LONGEST]


def _find(head: bytes, name: str) -> bytes | None:
    found = _named(name).search(head)
    return _unfolded(found[1]) if found else None


@lru_cache(64)
def _named(name: str) -> re.Pattern[bytes]:
    beginning = rb"^(?:\xef\xbb\xbf)?" + re.escape(name.encode("ascii"))
    return re.compile(beginning + _VALUE, re.IGNORECASE | re.MULTILINE)


def _unfolded(value: bytes) -> bytes:
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return value[:_MAX_VALUE].strip()
