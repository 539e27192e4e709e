"""What is said over the socket of `letterbox-bucket` (SOCK_SEQPACKET): a packet a request, one a reply. Pure.

A packet is a JSON object in one line, and perhaps octets after it. Each request has a number `n`, and its
reply has the same. Replies come in any order. A reply has `errno`: 0 means that it is done. For `put` that
means: the store has acknowledged every copy. Any other comes with `error`, one line without a secret.

Requests, by `op`:
- `put`: store a message. Its copies' own fields follow the line, joined, and then its content, which is our
  shared trace and the message. Content of more than MAX_INLINE octets comes as a descriptor (SCM_RIGHTS) of a
  regular file or a memfd, from the offset `at`. If the line and the fields are too long for a packet, they
  come in a memfd of their own, the first descriptor, and the packet only says its size (`lead`).
  The reply has `tails`: of each copy's key, if they fit.
- `list`: the keys below a prefix that ends in `/`, and after `after`. The reply has `more`, and a memfd of
  `size` octets with a line of JSON for each: `[key, octets, seconds since 1970]`.
- `get`: an object. The reply has `name`, `sender` and `size`, and a memfd of it.
- `head`: the same without the memfd.
- `check`: try the store. The reply has `links` (see `Link`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from receiver.mailbox import Mailbox

MAX_INLINE = 65_536  # octets of content in a packet
MAX_LEAD = 65_536  # octets of the line and the fields in a packet
MAX_PACKET = MAX_INLINE + MAX_LEAD
MAX_LEAD_BY_FD = 16_777_216  # octets of the line and the fields in a memfd
MAX_DESCRIPTORS = 2  # of one packet
MAX_REPLY = 65_536  # octets of a reply
SEND_BUFFER = 425_984  # octets that the buffer of a socket should have, so that a few packets fit

Sender = Literal["authentic", "forged", "unknown"]
"""What is known of the sender. `forged`: it was checked, and not shown to be authentic. `unknown`: it was not
checked, or the check got no answer (temperror)."""
SENDERS: tuple[Sender, ...] = get_args(Sender)

LINKS = ("name", "TLS", "clock", "key", "conditional write")
"""The links of a check, in their order. One that is bad makes the later ones unknown."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ProtocolError(ValueError):
    """A packet is not what this module makes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One mailbox's copy. `fields` are its Return-Path and Delivered-To, with CRLF, as they are stored."""

    mailbox: Mailbox
    fields: bytes


@dataclass(frozen=True, slots=True)
class Put:
    """A request to store a message.

    `name` is the name of its file. Of the `size` octets of content, the first `trace` are our shared trace.
    `at` is where the content begins in its descriptor. With `hour` (see `keys.hour`) the key has that hour,
    in place of the present one.
    """

    name: str
    sender: Sender
    copies: Sequence[Copy]
    trace: int
    size: int
    at: int = 0
    hour: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a check: whether it is `good`, `bad` or `unknown`, what was found, and what to do."""

    link: str
    state: str
    found: str
    fix: str = ""


def pack_put(number: int, put: Put, content: Sequence[bytes] | None) -> tuple[bytes, bytes]:
    """The packet of a `put`, and what must go into a memfd as its first descriptor, which is mostly empty.

    `content` is in pieces. With None, the descriptor of the content must go with the packet, as the last.
    """
    head: dict[str, Any] = {
        "n": number,
        "op": "put",
        "name": put.name,
        "sender": put.sender,
        "copies": [[each.mailbox.domain, each.mailbox.name, len(each.fields)] for each in put.copies],
        "trace": put.trace,
        "size": put.size,
    }
    if content is None:
        head["at"] = put.at
    if put.hour:
        head["hour"] = put.hour
    lead = b"".join((pack(head), *(each.fields for each in put.copies)))
    inline = content or ()
    if len(lead) <= MAX_LEAD:
        return b"".join((lead, *inline)), b""
    return b"".join((pack({"n": number, "op": "put", "lead": len(lead)}), *inline)), lead


def parse_put(head: Mapping[str, Any], octets: bytes) -> tuple[Put, bytes | None]:
    """A `put`, and its content; None if that comes by descriptor. `octets` are all that follow the line.

    Raises ProtocolError.
    """
    name, sender = value(head, "name", str), value(head, "sender", str)
    trace, size = _count(head, "trace"), _count(head, "size")
    if sender not in SENDERS:
        raise ProtocolError("sender: is none of " + ", ".join(SENDERS))
    if not name or not name.isprintable() or "/" in name:
        raise ProtocolError("name: is not the name of a file")
    if trace > size:
        raise ProtocolError("trace: is more than size")
    copies, at = [], 0
    for each in value(head, "copies", list):
        match each:
            case [str(domain), str(mailbox), int(length)] if domain and mailbox and length >= 0:
                if "/" in domain + mailbox or "\0" in domain + mailbox:
                    raise ProtocolError("copies: not the name of a mailbox")
                copies.append(Copy(Mailbox(domain, mailbox), octets[at : at + length]))
                at += length
            case _:
                raise ProtocolError("copies: must be lists of domain, mailbox and octets")
    if not copies:
        raise ProtocolError("copies: there are none")
    by_descriptor = "at" in head
    if len(octets) != at + (0 if by_descriptor else size):
        raise ProtocolError("size: does not match the packet")
    offset = _count(head, "at") if by_descriptor else 0
    put = Put(name, sender, copies, trace, size, offset, value(head, "hour", str, ""))
    return put, None if by_descriptor else octets[at:]


def pack(head: Mapping[str, Any]) -> bytes:
    """An object as a line."""
    return _encode(head).encode("utf-8", "replace") + b"\n"


def unpack(packet: bytes) -> tuple[dict[str, Any], bytes]:
    """The object of a packet's line, and the octets after it. Raises ProtocolError."""
    line, _, octets = packet.partition(b"\n")
    try:
        head = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise ProtocolError("a packet does not begin with a line of JSON") from None
    if not isinstance(head, dict):
        raise ProtocolError("a packet's line is not an object")
    return head, octets


def value(head: Mapping[str, Any], key: str, kind: type, default: Any = None) -> Any:
    """The value of a key, which must be of that type, and be there without a default. Or ProtocolError."""
    found = head.get(key, default)
    if not isinstance(found, kind) or isinstance(found, bool) is not (kind is bool):
        raise ProtocolError(f"{key}: is missing, or not a {kind.__name__}")
    return found


def _count(head: Mapping[str, Any], key: str) -> int:
    found: int = value(head, key, int)
    if not 0 <= found < 1 << 62:
        raise ProtocolError(f"{key}: is not a number of octets")
    return found


def pack_reply(number: int, error: int = 0, said: str = "", **also: Any) -> bytes:
    """The reply to a request. `said` is the reason of an error."""
    return pack({"n": number, "errno": error} | ({"error": said} if error else {}) | also)


def unpack_links(head: Mapping[str, Any]) -> list[Link]:
    """The links in the reply to `check`. Raises ProtocolError."""
    try:
        return [Link(**each) for each in value(head, "links", list)]
    except TypeError:
        raise ProtocolError("links: are not what a check gives") from None
