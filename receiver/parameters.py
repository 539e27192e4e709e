"""Structured MIME fields: a value and its parameters (RFC 2045 section 5.1, RFC 2183, RFC 2231).

Lenient as mail readers are: comments, stray quotes, a missing semicolon, unquoted values with spaces, encoded
words where RFC 2047 forbids them. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from receiver import charsets, encoded_words

_LONGEST = 4096  # characters of a field that are looked at
# A token, or a media type with white space around its slash; `filename=x` alone is a parameter.
_FIRST = re.compile(
    r"""[\s"';]{0,9}([^\s;"'/=]{1,200}(?:\s{0,9}/\s{0,9}[^\s;"']{1,200})?)(?![^\s;"'/=]|\s{0,9}=)"""
)
_NAME = re.compile(r'[;\s]\s{0,9}([^\s=;"]{1,100})\s{0,9}=\s{0,9}')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\Z)', re.DOTALL)
_BARE = re.compile(r"(?:[^;\s]|\s(?!\s{0,9}[\w*-]{1,60}\s{0,9}=))*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse(text: str) -> tuple[str, Mapping[str, str]]:
    """`text/plain (new); charset=utf-8` as ("text/plain", {"charset": "utf-8"}), whatever is wrong with it.

    What stands before the first parameter is in lower case, without comments, quotes and white space. A
    semicolon may be missing. An unquoted value goes on to the next parameter, with its spaces.
    """
    text = _without_comments(text[:_LONGEST])
    found = _FIRST.match(text)
    if found is None:
        return "", _parameters(";" + text)
    return found[1].replace(" ", "").replace("\t", "").lower(), _parameters(";" + text[found.end() :])


def _without_comments(text: str) -> str:
    """Without what stands in parentheses outside of quotes (RFC 5322 section 3.2.2).

    Not a comment: what is never closed, and what a character of a name follows, as in `report(1).pdf`.
    """
    if "(" not in text:
        return text
    out, at, quoted = [], 0, False
    while at < len(text):
        character = text[at]
        if character == "\\":
            out.append(text[at : at + 2])
            at += 2
            continue
        if character == '"':
            quoted = not quoted
        elif character == "(" and not quoted and (end := _comment_end(text, at)):
            out.append(" ")
            at = end
            continue
        out.append(character)
        at += 1
    return "".join(out)


def _comment_end(text: str, at: int) -> int:
    depth, start = 0, at
    while at < len(text) and depth < 50 and at - start < 1000:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 2 if text[at] == "\\" else 1
        if not depth:
            return at if text[at : at + 1] in ("", ";", '"', "(") or text[at].isspace() else 0
    return 0


def _parameters(text: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    at = 0
    while found := _NAME.search(text, at):
        quoted = _QUOTED.match(text, found.end())
        bare = None if quoted else _BARE.match(text, found.end())
        value = _ESCAPE.sub(r"\1", quoted[1]) if quoted else bare[0].strip().rstrip('"') if bare else ""
        at = quoted.end() if quoted else bare.end() if bare else found.end()
        base, star, rest = found[1].lower().partition("*")
        if not star:
            plain.setdefault(base, encoded_words.decode(value.encode("utf-8", "replace")))
            continue
        number = rest.rstrip("*")
        if not number or (number.isascii() and number.isdigit() and len(number) < 4):
            pieces.setdefault(base, {}).setdefault(int(number or 0), (rest.endswith("*") or not rest, value))
    return {**plain, **{base: _continued(numbered) for base, numbered in pieces.items()}}


def _continued(pieces: Mapping[int, tuple[bool, str]]) -> str:
    """A value in pieces, `name*0*=charset'language'percent-encoded` (RFC 2231 sections 3 and 4)."""
    charset, octets, any_encoded = "", b"", False
    for at, number in enumerate(sorted(pieces)):
        encoded, value = pieces[number]
        if encoded and at == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        octets += unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
        any_encoded = any_encoded or encoded
    return charsets.decode(octets, charset) if any_encoded else encoded_words.decode(octets)
