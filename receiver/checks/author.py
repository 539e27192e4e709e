"""The author's domain, which is that of the From field (RFC 5322 section 3.4, RFC 9989 section 5.3.1). Pure.

The parser is strict. What it cannot read has no author, because mail readers would disagree on who that is.
The reader must never be shown another domain than the one that is judged here. So this module must see each
field that `receiver.headers` takes for a From field, which is more lenient, and as much of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from receiver import charsets, headers
from receiver.checks import domain_name
from receiver.checks.comments import end_of_comment

_REMEMBERED, _LONGEST_REMEMBERED = 1024, 512  # From fields, and octets of each
_BOM = b"\xef\xbb\xbf"
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_HIDDEN_FROM = re.compile(rb"\r[ \t]*from[ \t]*:", re.IGNORECASE)  # a bare CR begins a line for some readers
_CONTROL = re.compile("[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_ENCODED_WORD = re.compile(r"=\?|\?=")

_TOKEN = re.compile(
    r"(?P<space>[ \t]+)"
    r'|"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"'
    r"|(?P<bracketed>\[[^\[\]\\@]*\])"
    r"|(?P<special>[<>,;:@])"
    r'|(?P<atom>[^ \t()<>,;:@\\"\[\]]+)'
)


class NoAuthor(Exception):
    """The message does not name exactly one author's domain. The text is the reason, for people."""


class _Token(NamedTuple):
    kind: str
    text: str


_COMMA, _SEMICOLON, _COLON, _AT, _OPEN, _CLOSE = (_Token("special", each) for each in ",;:@<>")


def domain(fields: Sequence[tuple[bytes, bytes]]) -> str:
    """The author's domain in lower case, in A-labels. `fields` are those of `header_fields.split`.

    Several addresses may be there if they have the same domain. Raises NoAuthor.
    """
    found = [
        (name, raw) for name, raw in fields if name.endswith(b"from") and name.removeprefix(_BOM) == b"from"
    ]
    if len(found) != 1:
        raise NoAuthor(f"{len(found)} From fields" if found else "no From field")
    name, raw = found[0]
    head = b"".join([each for _, each in fields])
    if name != b"from" or _HIDDEN_FROM.search(head):
        raise NoAuthor("a From field that not all readers see")
    if len(head) > headers.MAX_HEAD:
        raise NoAuthor("the header section is too long")
    if len(raw) <= _LONGEST_REMEMBERED and raw.isascii():
        return _remembered(raw)
    return _domain(raw, head)


def _domain(raw: bytes, head: bytes) -> str:
    names = {_a_labels(each) for text in _texts(raw, head) for each in _addresses(_tokens(text))}
    if len(names) != 1:
        number = "two" if len(names) == 2 else "several"
        raise NoAuthor(f"the From field names {number} authors" if names else "no address in From")
    return names.pop()


@lru_cache(_REMEMBERED)
def _remembered(raw: bytes) -> str:
    """The domain of a field in ASCII, for which the rest of the header section does not count."""
    return _domain(raw, b"")


def _texts(raw: bytes, head: bytes) -> Iterator[str]:
    """The value of the field, unfolded. It is not longer than what readers show of it.

    Old programs send it in the charset of the message. Then there are two texts, without the octets beyond
    ASCII and as the reader shows it, because some charsets hide an ASCII octet in a character.
    """
    value = raw.partition(b":")[2].removesuffix(b"\n").removesuffix(b"\r").strip(b" \t")
    if len(value) > headers.LONGEST:
        raise NoAuthor("From is too long")
    try:
        texts = [value.decode("utf-8")]
    except UnicodeDecodeError:
        charset = headers.lazy_fields(head).parameters("content-type")[1].get("charset", "")
        texts = [value.decode("ascii", "replace"), charsets.decode(value, charset)]
    for text in texts:
        unfolded = _FOLD.sub("", text)
        if _CONTROL.search(unfolded):
            raise NoAuthor("a control character in From")
        yield unfolded


def _tokens(text: str) -> list[_Token]:
    """Without white space and comments."""
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at] == "(":
            at = end_of_comment(text, at)
            if not at:
                raise NoAuthor("From has a comment that does not end")
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            raise NoAuthor("From cannot be read")
        at = found.end()
        kind = str(found.lastgroup)
        if kind != "space":
            tokens.append(_Token(kind, found[kind]))
    return tokens


def _addresses(tokens: list[_Token]) -> Iterator[str]:
    """The domains of all mailboxes, also of those in a group (RFC 6854)."""
    is_in_group = False
    for mailbox, end in _mailboxes(tokens):
        if _COLON in mailbox and _OPEN not in mailbox[: mailbox.index(_COLON)]:
            name, mailbox = mailbox[: mailbox.index(_COLON)], mailbox[mailbox.index(_COLON) + 1 :]
            if is_in_group or not name or any(token.kind not in ("atom", "quoted") for token in name):
                raise NoAuthor("From cannot be read")
            is_in_group = True
        if (end == _SEMICOLON and not is_in_group) or (end is None and is_in_group):
            raise NoAuthor("From cannot be read")
        if mailbox:
            yield from _mailbox(mailbox)
        if end == _SEMICOLON:
            is_in_group = False


def _mailboxes(tokens: list[_Token]) -> Iterator[tuple[list[_Token], _Token | None]]:
    """The tokens between the commas and semicolons, and what ends them. Nothing ends the last ones."""
    start, is_in_angle = 0, False
    for at, token in enumerate(tokens):
        if token in (_OPEN, _CLOSE):
            is_in_angle = token == _OPEN
        elif token in (_COMMA, _SEMICOLON) and not is_in_angle:
            yield tokens[start:at], token
            start = at + 1
    yield tokens[start:], None


def _mailbox(tokens: list[_Token]) -> Iterator[str]:
    """The domain of the address, and those of addresses in the name before it, which are not quoted."""
    if _OPEN not in tokens:
        yield _address(tokens)
        return
    at = tokens.index(_OPEN)
    name, address = tokens[:at], tokens[at + 1 :]
    if not address or address.pop() != _CLOSE:
        raise NoAuthor("From cannot be read")
    if _AT in name:
        yield _address(name)
    elif any(token.kind == "special" for token in name):
        raise NoAuthor("From cannot be read")
    yield _address(_without_route(address))


def _without_route(tokens: list[_Token]) -> list[_Token]:
    """An address without its obsolete route, which is to be ignored (RFC 5322 section 4.4)."""
    if _COLON not in tokens:
        return tokens
    at = tokens.index(_COLON)
    for hop in "".join("," if token == _COMMA else token.text for token in tokens[:at]).split(","):
        if not hop.startswith("@"):
            raise NoAuthor("From cannot be read")
        _a_labels(hop[1:])
    return tokens[at + 1 :]


def _address(tokens: list[_Token]) -> str:
    """The domain as it is written. Between the words of a local part there must be a dot (section 4.4)."""
    if tokens.count(_AT) != 1:
        raise NoAuthor("From cannot be read" if tokens else "no address in From")
    at = tokens.index(_AT)
    local, host = tokens[:at], tokens[at + 1 :]
    if len(host) != 1 or host[0].kind != "atom":
        raise NoAuthor("no domain name in From")
    if not local or any(token.kind not in ("atom", "quoted") for token in local):
        raise NoAuthor("From cannot be read")
    for one, next_one in pairwise(local):
        if not (one.kind == "atom" and one.text.endswith(".")) and not (
            next_one.kind == "atom" and next_one.text.startswith(".")
        ):
            raise NoAuthor("From cannot be read")
    if any(_ENCODED_WORD.search(token.text) for token in local):
        raise NoAuthor("an encoded word in an address in From")
    return host[0].text


def _a_labels(name: str) -> str:
    try:
        found = domain_name.to_a_labels(name)
    except ValueError as error:
        raise NoAuthor(f"{error} in From") from None
    if "." not in found:
        raise NoAuthor("no domain name in From")
    return found
