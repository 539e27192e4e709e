"""The fields that this host put above a message (see `receiver.smtp.transaction.trace`). Pure.

Nothing below our own Received field is believed, because the sender may have written it. Ours is the first
Received field of the file. If the first one is another's, the file was not made by the receiver, and nothing
above it is believed either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from receiver.headers import Fields

_RECEIVED = re.compile(
    rb"from (?P<helo>\S+)(?: \((?:unknown|\[(?:IPv6:)?(?P<peer>[^\]]*)\])\))?\s+"
    rb"by \S+ \(Letterbox\) with (?P<protocol>\S+)"
    rb"(?:\s+\(using (?P<tls>\S+) with cipher (?P<cipher>[^)\s]+)\))?"
    rb"(?:\s+id (?P<identity>[^\s;]+))?(?:\s+for <(?P<sent_to>[^>]*)>)?"
)
_IDENTITY = re.compile(r"M\d+P\d+Q\d+R[0-9a-f]+")  # as `Store.identity` makes it
_RESULTS, _SPAM = "authentication-results", "x-spam"


@dataclass(frozen=True, slots=True)
class Trace:
    """What our fields say. A text is empty, and `results` is None, if they do not say it."""

    helo: str = ""
    peer: str = ""
    protocol: str = ""
    tls: str = ""  # such as TLSv1.3; empty if the message came in clear text
    cipher: str = ""
    sent_to: str = ""  # the recipient as the sender wrote it; empty if there were several
    results: bytes | None = None  # the value of our Authentication-Results field
    is_spam: bool = False  # whether a spam filter said so


def read(fields: Fields, file_name: str) -> Trace:
    """What our fields say. `file_name` is the name of the message's file.

    The results count only if the identity in our Received field stands in the name of the file, because then
    the receiver wrote this very file. A message that somebody copied into the folder has another name, and
    all of its fields may be a stranger's. It must have the form of an identity, because the other parts of a
    name can be guessed: the time, and the name of the host.
    """
    received = _RECEIVED.match(fields.raw("received"))
    if received is None:
        return Trace()
    said: dict[str, Any] = {key: _text(value) for key, value in received.groupdict().items()}
    identity = said.pop("identity")
    ours = Trace(**said)
    if not identity or not _IDENTITY.fullmatch(identity) or f".{identity}." not in f".{file_name}.":
        return ours
    above: dict[str, list[bytes]] = {}
    for name, value in fields.all:
        if name == "received":
            break
        above.setdefault(name, []).append(value)
    results, spam = above.get(_RESULTS, []), above.get(_SPAM, [])
    return replace(
        ours,
        results=results[0] if len(results) == 1 else None,
        is_spam=any(said.lower().startswith(b"yes") for said in spam),
    )


def _text(octets: bytes | None) -> str:
    return octets.decode("utf-8", "replace") if octets else ""
