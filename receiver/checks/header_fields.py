"""A header section in CRLF as its raw fields. Pure."""

from __future__ import annotations

import re

# It is anchored at the start of a line, so that a line without a colon takes no quadratic time.
_FIELD = re.compile(
    rb"(?m:^)((?:\xef\xbb\xbf)?[!-9;-~]{1,200})[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*"
)


def split(head: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a header section, each as its name in lower case and the whole field with its CRLF.

    A byte order mark before a name is part of the name, because some mail readers skip it.
    """
    return [(found[1].lower(), found[0]) for found in _FIELD.finditer(head)]
