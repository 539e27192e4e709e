"""Tag lists (RFC 6376 section 3.2): the form of signatures and of key records. Pure."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re

from receiver.checks import domain_name

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WHITE_SPACE = " \t\r\n"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})?")
_LONGEST = 1000  # characters of a domain or an identity, encoded


class Refused(Exception):
    """A signature or a key is not used. `result` is the word of RFC 8601, and `reason` ours for it."""

    def __init__(self, result: str, reason: str) -> None:
        super().__init__(reason)
        self.result, self.reason = result, reason


def parse(octets: bytes) -> dict[str, str]:
    """The tags in their order, without the white space around values. Raises Refused.

    A tag that is there twice makes the whole list invalid.
    """
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise Refused("permerror", "neither ASCII nor UTF-8") from None
    if _CONTROL.search(text):
        raise Refused("permerror", "a control character")
    tags: dict[str, str] = {}
    pieces = text.split(";")
    if not pieces[-1].strip(_WHITE_SPACE):
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip(_WHITE_SPACE)
        if not equals or not _NAME.fullmatch(name):
            raise Refused("permerror", "no list of tags")
        if name in tags:
            raise Refused("permerror", f"{name[:20]}= twice")
        tags[name] = value.strip(_WHITE_SPACE)
    return tags


def words(value: str) -> list[str]:
    """The words between colons, in lower case."""
    return [word.strip(_WHITE_SPACE).lower() for word in value.split(":")]


def from_base64(value: str, name: str) -> bytes:
    """The octets of a value that may have white space anywhere. Raises Refused."""
    value = "".join(value.split()) if value.isascii() else "?"
    try:
        if not value or not _BASE64.fullmatch(value):
            raise binascii.Error
        return base64.b64decode(value)
    except binascii.Error:
        raise Refused("permerror", f"{name}= is no base64") from None


def from_quoted_printable(value: str) -> str:
    """The value of i=, which is in dkim-quoted-printable (RFC 6376 section 2.11). Raises Refused."""
    if len(value) > _LONGEST:
        raise Refused("permerror", "i= is too long")
    if value.isascii() and "=" not in value and not any(each in value for each in _WHITE_SPACE):
        return value
    octets = "".join(each for each in value if each not in _WHITE_SPACE).encode()
    if any(found[1] is None for found in _QUOTED.finditer(octets)):
        raise Refused("permerror", "i= is no quoted-printable")
    try:
        text = _QUOTED.sub(lambda found: bytes.fromhex(found[1].decode()), octets).decode()
    except UnicodeDecodeError:
        raise Refused("permerror", "neither ASCII nor UTF-8") from None
    if not text.isprintable():
        raise Refused("permerror", "a control character in i=")
    return text


def domain(text: str, name: str, fewest: int = 1) -> str:
    """A domain in lower case, in A-labels, of at least that many labels. Raises Refused.

    U-labels are allowed since RFC 8616. Underscores are not, but selectors with them are in use.
    """
    if not text.endswith(".") and len(text) <= _LONGEST:
        with contextlib.suppress(ValueError):
            found = domain_name.to_a_labels(text)
            if found.count(".") + 1 >= fewest:
                return found
    raise Refused("permerror", f"{name}= is no domain")
