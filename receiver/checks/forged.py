"""Take out Authentication-Results fields that bear a name of ours (RFC 8601 section 5). Pure.

Whoever reads our results believes fields with our name, so a field from outside must not have it. A reader
may be more lenient than the RFC. It may skip octets before the name of a field, end a line at a bare CR, see
through comments, quotes, encoded words and U-labels, or look at each word before the results. A field that
any such reader takes for ours is taken out. All other octets stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from receiver import headers
from receiver.checks.comments import end_of_comment

_NAME = rb"authentication-results"
# Octets that are no printable ASCII may stand before the name. Only the first line may begin with a space.
_BEFORE = rb"(?:\A[ \t]*|(?<=%s)(?![ \t]))[^!-~\r\n]*+" + _NAME
# Readers disagree on whether a bare CR ends a line, so a section that has one is looked at in both ways.
_UNTIL_LF = re.compile(
    _BEFORE % rb"\n" + rb"[^!-~\n]*+:(?P<value>[^\n]*+(?:\n[ \t][^\n]*+)*+)(?P<end>\n?)", re.IGNORECASE
)
_UNTIL_CR = re.compile(
    _BEFORE % rb"[\r\n]"
    + rb"[^!-~\r\n]*+:(?P<value>[^\r\n]*+(?:(?:\r\n?|\n)[ \t][^\r\n]*+)*+)(?P<end>(?:\r\n?|\n)?)",
    re.IGNORECASE,
)

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_PLAIN = re.compile(rb"\s*([A-Za-z0-9.-]+)(?:\s+[0-9]*\s*)?(?:;|\Z)")
_WORD = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?\Z)|(?P<end>;)|(?P<open>\()|(?P<bare>[^\s;,()"]+)', re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_LONGEST = 2048  # octets before the results of a field that nobody forged
_MOST_ODD = 64  # fields with more than a plain name before the results, in a message that nobody forged
_LONGEST_NAME = 1024  # characters; there may be some that do not count in a U-label


def without_forged(head: bytes, names: frozenset[str]) -> tuple[bytes, int]:
    """The header section without the fields that bear one of our names, and how many those were.

    `head` ends with the CRLF of its last field. `names` are the host names of all our receivers. `head`
    itself is returned if nothing is taken out.
    """
    if not names or _NAME not in head.lower():
        return head, 0
    count = 0
    patterns = (_UNTIL_LF, _UNTIL_CR) if b"\r" in head.replace(b"\r\n", b"") else (_UNTIL_LF,)
    judge = _Judge(head, names)
    for pattern in patterns:
        kept, at = [], 0
        for found in pattern.finditer(head):
            if not judge.is_ours(found["value"]):
                continue
            start, end = found.span()
            if head[start - 1 : start] == b"\r":  # It stands within a line, which keeps its own end.
                start, end = start - 1, found.start("end")
            kept.append(head[at:start])
            at, count = end, count + 1
        if at:
            head = b"".join([*kept, head[at:]])
    return head, count


class _Judge:
    """Tells whether a reader may take one of our names for the authserv-id of a field.

    To look at a field closely takes time, so only some fields are. Those beyond are taken for ours.
    """

    def __init__(self, head: bytes, names: frozenset[str]) -> None:
        self._ours = _all_forms(names)
        self._fields = headers.lazy_fields(head)
        self._odd = 0

    def is_ours(self, value: bytes) -> bool:
        plain = _PLAIN.match(value)
        if plain:
            return plain[1].decode("ascii").rstrip(".").lower() in self._ours
        self._odd += 1
        if self._odd > _MOST_ODD:
            return True
        octets = _FOLD.sub(b"", value[:_LONGEST])
        is_cut = len(value) > _LONGEST
        texts = {octets.decode("utf-8", "replace"), self._fields.decode(octets)}
        return any(self._has_our_name(text, is_cut) for text in texts)

    def _has_our_name(self, text: str, is_cut: bool) -> bool:
        words, is_whole = _words(text)
        if is_cut and not is_whole:
            return True
        return any(form in self._ours for word in words for form in _forms(word))


def _words(text: str) -> tuple[list[str], bool]:
    """The words before the first semicolon, without quotes and comments, then all of them joined.

    And whether there is a semicolon.
    """
    words: list[str] = []
    at, has_open_comment, is_whole = 0, False, False
    while not is_whole and (found := _WORD.search(text, at)):
        at = found.end()
        if found["end"]:
            is_whole = True
        elif found["open"]:
            end = 0 if has_open_comment else end_of_comment(text, found.start())
            at, has_open_comment = end or at, not end
        elif found["bare"]:
            words.append(found["bare"])
        else:
            words += _QUOTED_PAIR.sub(r"\1", found["quoted"]).replace(";", " ").split()
    return [*words, "".join(words)], is_whole


@lru_cache(8)
def _all_forms(names: frozenset[str]) -> frozenset[str]:
    return frozenset(form for name in names for form in _forms(name))


def _forms(name: str) -> Iterator[str]:
    """The ways in which a host name can be written in lower case: as it is, and in the A-labels it has."""
    name = name.strip().rstrip(".").lower()
    if len(name) > _LONGEST_NAME:
        return
    yield name
    if not name.isascii():
        yield ".".join(each if each.isascii() else f"xn--{_punycode(each)}" for each in name.split("."))
        try:
            yield name.encode("idna").decode("ascii").rstrip(".").lower()
        except UnicodeError:
            return


def _punycode(label: str) -> str:
    return label.encode("punycode", "replace").decode("ascii")
