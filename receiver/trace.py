"""The trace fields that go above a message, which itself stays as it came (RFC 5321 section 4.4).

`Return-Path` and `Delivered-To` are those of one copy; `Received` names the recipient only where there
is just one, so that no copy shows another recipient. Pure but for the clock's value passed in.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

from receiver.addresses import Address

MAX_RECEIVED = 100
_RECEIVED = re.compile(rb"(?:^|\r\n)received[ \t]*:", re.IGNORECASE)
_HELO_UNSAFE = re.compile(r"[^A-Za-z0-9.\-_:\[\]]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from, as its Received field says it."""

    helo: str
    peer: str  # IP address, or empty where the connection has none
    protocol: str  # RFC 3848 and RFC 6531 keyword
    tls: str | None  # "TLSv1.3 TLS_AES_256_GCM_SHA384"


def protocol(*, extended: bool, tls: bool, utf8: bool) -> str:
    """The keyword of the `with` clause (RFC 3848, RFC 6531 section 4.3)."""
    if not extended:
        return "SMTP"
    return ("UTF8SMTP" if utf8 else "ESMTP") + ("S" if tls else "")


def received(origin: Origin, hostname: str, identity: str, recipient: str | None, seconds: float) -> bytes:
    """The Received field with its CRLF; `recipient` only where the message has just one."""
    source = clean_helo(origin.helo) + (f" ({_literal(origin.peer)})" if origin.peer else "")
    tls = ""
    if origin.tls:
        version, _, cipher = origin.tls.partition(" ")
        tls = f"\r\n\t(using {version} with cipher {cipher})"
    goal = f"\r\n\tfor <{recipient}>" if recipient else ""
    when = _date(int(seconds))
    return (
        f"Received: from {source}\r\n\tby {hostname} (Letterbox) with {origin.protocol}{tls}"
        f"\r\n\tid {identity}{goal};\r\n\t{when}\r\n"
    ).encode()


@lru_cache(2)
def _date(seconds: int) -> str:
    return formatdate(seconds)[:-5] + "+0000"


def copy_fields(reverse_path: Address | None, delivered_to: str) -> bytes:
    """The fields that belong to one mailbox's copy, with their CRLF."""
    return f"Return-Path: <{reverse_path or ''}>\r\nDelivered-To: {delivered_to}\r\n".encode()


def loops(head: bytes) -> bool:
    """Whether a header section has more than MAX_RECEIVED Received fields.

    RFC 5321 section 6.3 wants the limit to be 100 at least.
    """
    if head.lower().count(b"received") <= MAX_RECEIVED:  # nearly always, and fast
        return False
    return len(_RECEIVED.findall(head)) > MAX_RECEIVED


def clean_helo(name: str) -> str:
    """What the client called itself, fit for a header and a log line."""
    return _HELO_UNSAFE.sub("?", name)[:255] or "?"


@lru_cache(1024)
def _literal(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return "unknown"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
