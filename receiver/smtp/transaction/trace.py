"""The trace fields that are put above a message (RFC 5321 section 4.4). Pure.

Each copy has its own `Return-Path` and `Delivered-To`. `Received` names the recipient only if the message has
just one, so that no copy shows another recipient.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

from receiver.addresses import Address

MAX_RECEIVED = 100  # RFC 5321 section 6.3 wants a limit of at least 100.
_RECEIVED = re.compile(rb"(?:^|\r\n)received[ \t]*:", re.IGNORECASE)
_SHORTEST_FILLER = len("\r\n\t()")  # octets
_FILLER_LINE = 75  # octets of a line of a filler, with the CRLF before it
_HELO_UNSAFE = re.compile(r"[^A-Za-z0-9.\-_:\[\]]")


@dataclass(frozen=True, slots=True)
class TLS:
    """The encryption of a connection."""

    version: str  # such as TLSv1.3
    cipher: str  # such as TLS_AES_256_GCM_SHA384


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a message, for its Received field."""

    helo: str  # the argument of HELO or EHLO
    peer: str  # the peer's IP address; empty if the connection has none
    protocol: str  # the keyword of `protocol_keyword`
    tls: TLS | None


def protocol_keyword(*, extended: bool, tls: bool, utf8: bool) -> str:
    """The keyword of the `with` clause of a Received field (RFC 3848, RFC 6531 section 4.3)."""
    if not extended:
        return "SMTP"
    return ("UTF8SMTP" if utf8 else "ESMTP") + ("S" if tls else "")


def received_field(
    origin: Origin, hostname: str, identity: str, recipient: str | None, seconds: float
) -> bytes:
    """The Received field with its CRLF. `recipient` is None if the message has several recipients.

    `seconds` is the time since 1970.
    """
    source = clean_helo(origin.helo) + (f" ({_address_literal(origin.peer)})" if origin.peer else "")
    tls = f"\r\n\t(using {origin.tls.version} with cipher {origin.tls.cipher})" if origin.tls else ""
    for_ = f"\r\n\tfor <{recipient}>" if recipient else ""
    date = _date(int(seconds))
    return (
        f"Received: from {source}\r\n\tby {hostname} (Letterbox) with {origin.protocol}{tls}"
        f"\r\n\tid {identity}{for_};\r\n\t{date}\r\n"
    ).encode()


@lru_cache(2)
def _date(seconds: int) -> str:
    return formatdate(seconds)[:-5] + "+0000"


def copy_fields(reverse_path: Address | None, delivered_to: str) -> bytes:
    """The Return-Path and Delivered-To fields of one mailbox's copy, with their CRLF."""
    return f"Return-Path: <{reverse_path or ''}>\r\nDelivered-To: {delivered_to}\r\n".encode()


def fill_slot(fields: Sequence[bytes], room: int) -> bytes:
    """The fields, filled up to `room` octets by a comment at the end of the last one.

    The last field must be one that may end in a comment (RFC 5322 section 3.2.2). The fields have no more
    than `room` octets. Without `room` they stay as they are.
    """
    octets = b"".join(fields)
    left = room - len(octets)
    if left <= 0:
        return octets
    if left < _SHORTEST_FILLER:
        return octets[:-2] + b" " * left + b"\r\n"
    lines, rest = divmod(left, _FILLER_LINE)
    sizes = [_FILLER_LINE] * lines
    if rest > 3 or not lines:
        sizes.append(rest)
    else:
        sizes[-1] += rest
    filler = b"".join(b"\r\n\t" + b"-" * (size - 3) for size in sizes)
    return octets[:-2] + b"\r\n\t(" + filler[4:-1] + b")\r\n"


def is_looping(head: bytes) -> bool:
    """Whether a header section has more than MAX_RECEIVED Received fields (RFC 5321 section 6.3)."""
    if head.lower().count(b"received") <= MAX_RECEIVED:  # This fast test decides for nearly all messages.
        return False
    return len(_RECEIVED.findall(head)) > MAX_RECEIVED


def clean_helo(name: str) -> str:
    """The name by which a client called itself, with each unsafe character replaced by `?`."""
    return _HELO_UNSAFE.sub("?", name)[:255] or "?"


@lru_cache(1024)
def _address_literal(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return "unknown"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def peer_address(name: object) -> str:
    """The IP address in a socket's peer name, without `::ffff:` for IPv4; empty if there is none."""
    if not isinstance(name, tuple):
        return ""
    return str(name[0]).removeprefix("::ffff:")
