"""Macros of SPF records (RFC 7208 section 7). Pure.

A text with macros is parsed once, to literal pieces and `Macro`s, and expanded for each check. The texts and
the values are both strangers'. So an expansion stops when it has all that can matter.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeGuard

EVERYWHERE = frozenset("slodiphv")
IN_EXPLANATIONS = EVERYWHERE | frozenset("crt")
LONGEST_NAME = 253  # characters (RFC 7208 section 7.3)
LONGEST_EXPLANATION = 1000  # characters
_LONGEST_VALUE = 512  # characters. No domain is longer, and no address that we take.
_PIECE = re.compile(r"([^%]+)|%(?:\{([slodiphcrtv])([0-9]*)(r?)([.\-+,/_=]*)\}|([%_\-]))", re.I)
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}


class PermanentError(Exception):
    """A published policy cannot be evaluated, which is a permerror (RFC 7208 section 2.6.7)."""


class Macro(NamedTuple):
    """`%{letter…}`: which value, and what of it."""

    letter: str  # in lower case
    keep: int = 0  # how many parts from the right, or 0 for all
    is_reversed: bool = False
    delimiters: str = ""  # each once, in the order of their codes
    is_escaped: bool = False  # for a URL


Text = tuple[str | Macro, ...]


def parse(text: str, letters: frozenset[str] = EVERYWHERE) -> Text:
    """The pieces of a macro-string of which all characters are printable. Raises PermanentError."""
    if "%" not in text:
        return (text,)
    known: dict[str, str | Macro] = {}  # a hostile text has thousands that are alike
    pieces: list[str | Macro] = []
    at = 0
    for found in _PIECE.finditer(text):
        if found.start() != at:
            break
        at = found.end()
        if found[0] not in known:
            known[found[0]] = _piece(found, letters)
        pieces.append(known[found[0]])
    if at != len(text):
        raise PermanentError(f"bad macro in {text[:60]!r}")
    return tuple(pieces)


def _piece(found: re.Match[str], letters: frozenset[str]) -> str | Macro:
    literal, letter, digits, reverse, delimiters, escape = found.groups()
    if not letter:
        return literal or _ESCAPES[escape]
    if letter.lower() not in letters:
        raise PermanentError(f"macro {letter} is for explanations only")
    keep = digits.lstrip("0")[:4]  # no value has more parts than 9,999
    if digits and not keep:
        raise PermanentError(f"macro {letter} keeps no part")
    known = "".join(sorted(set(delimiters)))
    return Macro(letter.lower(), int(keep or 0), bool(reverse), known, letter.isupper())


def literal_end(text: str) -> str:
    """What follows the last macro of a macro-string that can be parsed."""
    end = ""
    if "%" not in text:
        return text
    for found in _PIECE.finditer(text):
        end = found[1] or ""
    return end


def is_plain(text: Text) -> TypeGuard[tuple[str]]:
    """Whether there is nothing to expand."""
    return len(text) == 1 and isinstance(text[0], str)


def letters_of(text: Text) -> frozenset[str]:
    """The letters of the macros in a text."""
    return frozenset(piece.letter for piece in text if isinstance(piece, Macro))


def expand_name(text: Text, values: Mapping[str, str]) -> str:
    """A domain name, without its final dot. Labels on the left that make it too long are left out."""
    kept: list[str] = []
    length = 0
    for piece in _expanded(reversed(text), values):
        kept.append(piece)
        length += len(piece)
        if length > LONGEST_NAME + 1:
            break
    name = "".join(reversed(kept)).removesuffix(".")
    if len(name) <= LONGEST_NAME:
        return name
    dot = name.find(".", len(name) - LONGEST_NAME - 1)
    return name[dot + 1 :]


def expand_explanation(text: Text, values: Mapping[str, str]) -> str:
    """An explanation. It is empty if it would be too long."""
    kept: list[str] = []
    length = 0
    for piece in _expanded(text, values):
        kept.append(piece)
        length += len(piece)
        if length > LONGEST_EXPLANATION:
            return ""
    return "".join(kept)


def _expanded(pieces: Iterable[str | Macro], values: Mapping[str, str]) -> Iterable[str]:
    known: dict[Macro, str] = {}
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        else:
            if piece not in known:
                known[piece] = _transformed(piece, values[piece.letter][-_LONGEST_VALUE:])
            yield known[piece]


def _transformed(macro: Macro, value: str) -> str:
    """What a macro makes of its value (section 7.1, `transformers` and `delimiter`)."""
    if macro.keep or macro.is_reversed or macro.delimiters:
        delimiters = macro.delimiters or "."
        for other in delimiters[1:]:
            value = value.replace(other, delimiters[0])
        parts = value.split(delimiters[0])
        if macro.is_reversed:
            parts.reverse()
        value = ".".join(parts[-macro.keep :])
    return urllib.parse.quote(value, safe="-._~", errors="replace") if macro.is_escaped else value
