"""Domains of MAIL and HELO as DNS has them: U-labels become A-labels (RFC 8616 section 4). Pure."""

from __future__ import annotations

from receiver.checks.dns_query import is_askable

_READ_DIFFERENTLY = frozenset(
    "\u00df\u03c2\u200c\u200d"
)  # IDNA 2003 maps or drops them, IDNA 2008 keeps them


def to_a_labels(domain: str) -> str | None:
    """The domain in A-labels, or None if it has no such form or IDNA 2003 and 2008 disagree about it.

    An address literal is no domain.
    """
    if not domain.isascii():
        if not _READ_DIFFERENTLY.isdisjoint(domain):
            return None
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    is_domain = is_askable(domain) and domain.isprintable() and not domain.startswith("[")
    return domain if is_domain else None
