"""Domains as DNS has them. Pure."""

from __future__ import annotations

import re

from receiver.checks import domain_name

_NAME = re.compile(r"[ -\-/-~]{1,63}(?:\.[ -\-/-~]{1,63})*")
_LONGEST = 253  # characters (RFC 1035 section 2.3.4, without the final dot)


def is_name(text: str) -> bool:
    """Whether a text can be asked for in DNS. Macros may have put anything into it that is printable.

    What ends in a number is an IPv4 address to some resolvers, and no domain (RFC 1123 section 2.1).
    """
    if len(text) > _LONGEST or not _NAME.fullmatch(text):
        return False
    return not text[text.rfind(".") + 1 :].isdigit()


def to_a_labels(domain: str) -> str | None:
    """The domain of MAIL or HELO, with A-labels in place of U-labels (RFC 8616 section 4).

    It is None if it has no such form, or if IDNA 2003 and 2008 disagree about it. An address literal is no
    domain. One in ASCII keeps its case, which macros show.
    """
    if not domain.isascii():
        try:
            domain = domain_name.to_a_labels(domain)
        except ValueError:
            return None
    return domain if is_name(domain) and domain[0] != "[" else None
