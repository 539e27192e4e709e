"""Domain names from a message in the form that the DNS knows: lower case, in A-labels (RFC 5890). Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CATEGORIES = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})  # letters and digits (RFC 5892 section 2.1)


@lru_cache(1024)
def to_a_labels(name: str) -> str:
    """The name without its final dot. Raises ValueError if it is none, or if its meaning is not certain.

    A U-label may stand for two different names, because IDNA 2003 (RFC 3490) and IDNA 2008 (RFC 5891) map
    characters in different ways, and a reader may follow either. Such a label is refused.
    """
    name = name.removesuffix(".")
    if len(name) > 253:
        raise ValueError("the domain name is too long")
    if not name.isascii():
        name = ".".join(map(_a_label, name.split(".")))
    name = name.lower()
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError("the domain name is not valid")
    return name


def _a_label(label: str) -> str:
    if label.isascii():
        return label
    if label[:4].lower() == "xn--" or len(label) > 63:
        raise ValueError("the domain name is not valid")
    plain = label.lower()
    if any(_is_uncertain(character) for character in plain) or not unicodedata.is_normalized("NFKC", plain):
        raise ValueError("the domain name can be read in two ways")
    by_2008 = "xn--" + plain.encode("punycode").decode("ascii")
    try:
        by_2003 = label.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the domain name is not valid") from None
    if by_2003.lower() != by_2008:
        raise ValueError("the domain name can be read in two ways")
    return by_2008


def _is_uncertain(character: str) -> bool:
    if character.isascii():
        return not (character.isalnum() or character in "-_")
    return unicodedata.category(character) not in _CATEGORIES
