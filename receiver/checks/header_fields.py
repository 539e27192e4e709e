"""A header section in CRLF as its raw fields. Pure."""

from __future__ import annotations

import re

# It is anchored at the start of a line, so that a line without a colon takes no quadratic time.
_FIELD = re.compile(
    rb"(?m:^)((?:\xef\xbb\xbf)?[!-9;-~]{1,200})[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*"
)


def split(head: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a header section, each as its name in lower case and the whole field with its CRLF.

    Lines that are no field have an empty name, so all fields joined are the section. A byte order mark before
    a name is part of the name, because some mail readers skip it.
    """
    fields, end = [], 0
    for found in _FIELD.finditer(head):
        if found.start() > end:
            fields.append((b"", head[end : found.start()]))
        fields.append((found[1].lower(), found[0]))
        end = found.end()
    if end < len(head):
        fields.append((b"", head[end:]))
    return fields
