"""A varlink reply as an answer. Pure.

The form is that of systemd's src/shared/varlink-io.systemd.Resolve.c; the flags are those of its man page
org.freedesktop.resolve1(5). Each record is taken from `raw`, which is the record on the
wire without compression (RFC 1035 section 3.2.1): the text in `rr` loses octets.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from typing import Any

from receiver.checks.dns_query import AAAA, MX, TXT, A, Answer, TemporaryFailure
from receiver.checks.resolver.errors import CallMissing, NoAnswerInTime, NoNameServers

_RESOLVE = "io.systemd.Resolve."
_DNS, _AUTHENTICATED, _NO_SYNTHESIZE = 1 << 0, 1 << 9, 1 << 11
_NXDOMAIN = 3  # RFC 1035 section 4.1.1
# All of these tell that the nameservers did not answer.
_SILENT = frozenset({"QueryTimedOut", "MaxAttemptsReached"})
_UNSAFE = re.compile(rb"[^!-~]|[.\\]")  # in a label: what would not be read as it was meant


def call(name: str, kind: int, *, synthesize: bool = False) -> bytes:
    """The call that asks for the records of a name. Only DNS answers: neither /etc/hosts nor mDNS.

    If resolved may `synthesize`, it answers itself for some names, and /etc/hosts counts.
    """
    escaped = name.replace("\\", "\\\\")  # resolved reads names as in zone files (RFC 1035 section 5.1)
    flags = _DNS if synthesize else _DNS | _NO_SYNTHESIZE
    parameters = {"name": escaped, "class": 1, "type": kind, "flags": flags}
    return json.dumps({"method": f"{_RESOLVE}ResolveRecord", "parameters": parameters}).encode()


def answer(reply: bytes, name: str, kind: int) -> tuple[Answer, float]:
    """The answer, and the TTL of its records in seconds. Raises TemporaryFailure."""
    try:
        read = json.loads(reply)
        error, parameters = read.get("error"), read.get("parameters") or {}
        if error is not None:
            return _without_records(str(error), parameters, name), 0.0
        return _records(parameters, kind)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise TemporaryFailure(f"the resolver's reply about {name} cannot be read") from None


def _without_records(error: str, parameters: dict[str, Any], name: str) -> Answer:
    short, rcode = error.removeprefix(_RESOLVE), parameters.get("rcode")
    if short == "NoSuchResourceRecord":
        return Answer()
    if short == "DNSError" and rcode == _NXDOMAIN:
        return Answer(exists=False)
    if error == "org.varlink.service.InvalidParameter" and parameters.get("parameter") == "name":
        return Answer(exists=False)  # what cannot be a name is nowhere
    if error in ("org.varlink.service.MethodNotFound", "org.varlink.service.InterfaceNotFound"):
        raise CallMissing("the resolver does not know ResolveRecord")
    if short == "NoNameServers":
        raise NoNameServers(f"the resolver has no nameserver to ask for {name}")
    reason = f"{short} {rcode}" if short == "DNSError" else short
    raise (NoAnswerInTime if short in _SILENT else TemporaryFailure)(f"{reason} for {name}")


def _records(parameters: dict[str, Any], kind: int) -> tuple[Answer, float]:
    records: list[Any] = []
    ttls: list[int] = []
    for each in parameters["rrs"]:
        found, ttl, data = _on_the_wire(base64.b64decode(each["raw"], validate=True))
        if found == kind:
            records.append(_record(kind, data))
            ttls.append(ttl)
    if kind == MX:
        records = [name for _, name in sorted(records)]
    authentic = bool(int(parameters.get("flags", 0)) & _AUTHENTICATED)
    return Answer(tuple(records), authentic=authentic), float(min(ttls, default=0))


def _on_the_wire(raw: bytes) -> tuple[int, int, bytes]:
    """Type, TTL and data of a record. Raises ValueError, IndexError."""
    at = _name(raw, 0)[1]
    kind, ttl = int.from_bytes(raw[at : at + 2], "big"), int.from_bytes(raw[at + 4 : at + 8], "big")
    data = raw[at + 10 :]
    if len(data) != int.from_bytes(raw[at + 8 : at + 10], "big"):
        raise ValueError("the record does not have the length that it says")
    return kind, ttl if ttl < 1 << 31 else 0, data  # RFC 2181 section 8


def _record(kind: int, data: bytes) -> object:
    if kind == TXT:
        return _joined(data)
    if kind in (A, AAAA):
        if len(data) != (4 if kind == A else 16):
            raise ValueError("not an address")
        return ipaddress.ip_address(data)
    if kind == MX:
        return int.from_bytes(data[:2], "big"), _name(data, 2)[0]
    return _name(data, 0)[0]


def _joined(data: bytes) -> bytes:
    """The strings of a TXT record as one (RFC 7208 section 3.3)."""
    joined, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise ValueError("a string is cut short")
        joined.append(data[at + 1 : end])
        at = end
    return b"".join(joined)


def _name(raw: bytes, at: int) -> tuple[str, int]:
    """A name without compression, and where it ends. Raises ValueError, IndexError.

    Octets that are not printable, and dots and backslashes in a label, are escaped (RFC 1035 section 5.1).
    """
    labels = []
    while size := raw[at]:
        if size > 63 or at + size >= len(raw):
            raise ValueError("not a label")
        label = _UNSAFE.sub(lambda found: b"\\%03d" % found[0][0], raw[at + 1 : at + 1 + size])
        labels.append(label.decode("ascii"))
        at += size + 1
    return ".".join(labels).lower(), at + 1
