"""What a receiver found about the senders, from its Authentication-Results fields (RFC 8601)."""

from __future__ import annotations

import re

_FIELD = re.compile(rb"(?mi)^authentication-results:[ \t]*([^\s;]+)((?:[^\n]|\n[ \t])*)")
_COMMENT = re.compile(rb"\([^()]*\)")
_RESULT = re.compile(rb";\s*([a-z0-9-]+)=([a-z]+)")


def results(head: bytes, receiver: str) -> dict[str, str]:
    """The result of each method in the fields that bear the name of this receiver. Lines end in LF."""
    found: dict[str, str] = {}
    for name, said in _FIELD.findall(head):
        if name.decode().lower() == receiver:
            found |= {
                method.decode(): result.decode()
                for method, result in _RESULT.findall(_COMMENT.sub(b"", said))
            }
    return found


def shortfall(head: bytes, receiver: str, *, signed: bool) -> str:
    """What a receiver did not find that it must find, as `dkim=fail`. An empty text if nothing is missing."""
    found = results(head, receiver)
    wanted = ["spf", "dmarc", *(["dkim"] * signed)]
    return ", ".join(f"{each}={found.get(each, 'absent')}" for each in wanted if found.get(each) != "pass")
