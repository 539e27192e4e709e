"""The fields that this host put above a message (see `receiver.smtp.transaction.trace`). Pure.

Nothing below our own Received field is believed, because the sender may have written it. Ours is the first
Received field of the file. If the first one is another's, the file was not made by the receiver, and nothing
above it is believed either.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from receiver.headers import Fields

_RECEIVED = re.compile(
    rb"from (?P<helo>\S+)(?: \((?:unknown|\[(?:IPv6:)?(?P<peer>[^\]]*)\])\))?\s+"
    rb"by \S+ \(Letterbox\) with (?P<protocol>\S+)"
    rb"(?:\s+\(using (?P<tls>\S+) with cipher (?P<cipher>[^)\s]+)\))?"
    rb"(?:\s+id (?P<identity>[^\s;]+))?"
    rb'(?:\s+for <(?P<sent_to>(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|[^">\r\n])*)>)?'
)
_IDENTITY = re.compile(r"M\d+P\d+Q\d+R[0-9a-f]+")  # as `Store.identity` makes it
_RESULTS, _SPAM = "authentication-results", "x-spam"
_FOLDED = rb":[^\n]*\n(?:[ \t][^\n]*\n)*"
TOP = re.compile(  # all of our fields
    rb"Return-Path:[^\n]*\nDelivered-To:[^\n]*\n"
    rb"(?:(?:Authentication-Results|X-Spam(?:-Score)?)%b)*Received(?P<received>%b)" % (_FOLDED, _FOLDED)
)
_ABOVE = re.compile(  # our fields above our Received
    rb"(?P<own>Return-Path:[^\n]*\nDelivered-To:[^\n]*\n)"
    rb"(?P<found>(?:(?:(?P<results>Authentication-Results)|X-Spam(?:-Score)?)%b)*)" % _FOLDED
)
_RECEIVED_FIELD = re.compile(  # exactly as we write it, so that no line of the sender's belongs to it
    rb"Received: from [^\r\n]*\r\n\tby [^\r\n]* \(Letterbox\) with [^\r\n]*\r\n(?:\t\(using [^\r\n]*\)\r\n)?"
    rb"\tid (?P<identity>M\d+P\d+Q\d+R[0-9a-f]+)(?:\r\n\tfor <[^\r\n]*>)?;\r\n"
    rb"\t[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000(?P<spaces> *)\r\n"
    rb"(?P<comment>\t\(-*(?:\r\n\t-*)*\)\r\n)?"
)
_SLOT = 64  # octets that a spam filter alone has for its field (`receiver.smtp.transaction.message`)


@dataclass(frozen=True, slots=True)
class Top:
    """Our fields at the top of a file. The octets of the copy's own, of all, and the identity in them."""

    own: int
    all: int
    identity: str


@dataclass(frozen=True, slots=True)
class Trace:
    """What our fields say. A text is empty, and `results` is None, if they do not say it."""

    helo: str = ""
    peer: str = ""
    protocol: str = ""
    tls: str = ""  # such as TLSv1.3; empty if the message came in clear text
    cipher: str = ""
    sent_to: str = ""  # the recipient as the sender wrote it; empty if there were several
    identity: str = ""  # of the message, if the receiver wrote this file
    results: bytes | None = None  # the value of our Authentication-Results field
    is_spam: bool = False  # whether a spam filter said so


def read(fields: Fields, file_name: str, is_as_received: Callable[[], bool] = lambda: False) -> Trace:
    """What our fields say. `file_name` is the name of the message's file.

    The identity and the results count only if the receiver wrote this very file. It did if the identity in
    our Received field stands in the name of the file. If a mail client renamed the file, `is_as_received` is
    asked (see `renamed`). All fields of a message that somebody put into the folder may be a stranger's. The
    identity must have the form of one, because the other parts of a name can be guessed: the time, and the
    name of the host.
    """
    received = _RECEIVED.match(fields.raw("received"))
    if received is None:
        return Trace()
    said: dict[str, Any] = {key: _text(value) for key, value in received.groupdict().items()}
    identity = said.pop("identity")
    ours = Trace(**said)
    if not identity or not _IDENTITY.fullmatch(identity):
        return ours
    if f".{identity}." not in f".{file_name}." and not is_as_received():
        return ours
    above: dict[str, list[bytes]] = {}
    for name, value in fields.all:
        if name == "received":
            break
        above.setdefault(name, []).append(value)
    results, spam = above.get(_RESULTS, []), above.get(_SPAM, [])
    return replace(
        ours,
        identity=identity,
        results=results[0] if len(results) == 1 else None,
        is_spam=any(said.lower().startswith(b"yes") for said in spam),
    )


def identity(head: bytes) -> str:
    """The identity in our Received field, if the head begins with our fields; else empty."""
    top = TOP.match(head)
    received = _RECEIVED.match(top["received"].lstrip(b": \t")) if top else None
    return _text(received["identity"]) if received else ""


def top(head: bytes, *, may_be_filled: bool = True) -> Top | None:
    """Where our fields end, to the octet. None if the head does not begin with them.

    What the sender wrote begins there, whatever it is: also a line that would continue our last field. Only a
    line that is as long as the comment which fills a slot cannot be told from one. It is taken for the
    comment if `may_be_filled`.
    """
    above = _ABOVE.match(head)
    received = _RECEIVED_FIELD.match(head, above.end()) if above else None
    if above is None or received is None:
        return None
    end = received.end()
    # Without checks of the sender, a comment in Received fills what the spam filter did not need.
    comment = received["comment"] or b""
    is_ours = not above["results"] and len(above["found"]) + len(comment) == _SLOT
    if comment and not (is_ours and may_be_filled):
        end -= len(comment)
    return Top(above.end("own"), end, _text(received["identity"]))


def _text(octets: bytes | None) -> str:
    return octets.decode("utf-8", "replace") if octets else ""
