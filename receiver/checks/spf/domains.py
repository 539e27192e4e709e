"""Domains as DNS has them. Pure."""

from __future__ import annotations

import re

_NAME = re.compile(r"[ -\-/-~]{1,63}(?:\.[ -\-/-~]{1,63})*")
_LONGEST = 253  # characters (RFC 1035 section 2.3.4, without the final dot)
_READ_DIFFERENTLY = frozenset(
    "\u00df\u03c2\u200c\u200d"
)  # IDNA 2003 maps or drops them, IDNA 2008 keeps them


def is_name(text: str) -> bool:
    """Whether a text can be asked for in DNS. Macros may have put anything into it that is printable."""
    return len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def to_a_labels(domain: str) -> str | None:
    """The domain of MAIL or HELO with A-labels in place of U-labels (RFC 8616 section 4).

    It is None if it has no such form, or if IDNA 2003 and 2008 disagree about it. An address literal is no
    domain.
    """
    if not domain.isascii():
        if not _READ_DIFFERENTLY.isdisjoint(domain):
            return None
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return domain if is_name(domain) and domain[0] != "[" else None
