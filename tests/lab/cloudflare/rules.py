"""Cloudflare's rules for one record: what is accepted, and the form in which it is kept.

`normalised` turns what a client sends into what the API answers: names qualified and in
punycode without the last dot, IPv6 in RFC 5952 form, TXT as it was sent, quoted or not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from tests.lab.cloudflare.refusals import invalid

TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TLSA", "TXT")
PROXIABLE = ("A", "AAAA", "CNAME")
COMMENT_LENGTH = {"free": 100}
PAID_COMMENT_LENGTH = 500
TXT_LENGTH = 2048  # of one record
TXT_OCTETS = 8192  # of all records of a name
_LABEL = re.compile(r"(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def normalised(sent: Mapping[str, Any], zone: str, plan: str = "free") -> dict[str, Any]:
    """The record as it is kept, without its identifier and dates. Raises Refusal."""
    kind = sent.get("type")
    if kind not in TYPES:
        raise invalid(1004, "DNS Validation Error: a valid type is required")
    content = _content(kind, sent)
    if not isinstance(content, str) or not content.strip():
        raise invalid(1004, "DNS Validation Error: content is required")
    record: dict[str, Any] = {
        "name": _qualified(sent.get("name"), zone),
        "type": kind,
        "content": _NORMAL[kind](content.strip()) if kind in _NORMAL else content.strip(),
        "proxiable": kind in PROXIABLE,
        "proxied": _proxied(kind, sent),
        "ttl": _ttl(sent),
        "settings": sent.get("settings") or {},
        "meta": {},
        "comment": _comment(sent.get("comment"), COMMENT_LENGTH.get(plan, PAID_COMMENT_LENGTH)),
        "tags": _tags(sent.get("tags"), plan),
    }
    if kind == "MX":
        record["priority"] = _priority(sent)
    if kind in ("SRV", "CAA") and "data" in sent:
        record["data"] = sent["data"]
    if kind == "TLSA":
        record["data"] = {**sent["data"], "certificate": str(content).split()[3]}
    if record["proxied"]:
        record["ttl"] = 1
    return record


def hostname(text: str, code: int, message: str) -> str:
    """The name in punycode, lower case, without the last dot. Raises Refusal with this code."""
    name = text.strip().rstrip(".").lower()
    try:
        name = name.encode("idna").decode("ascii") if not name.isascii() else name
    except UnicodeError:
        raise invalid(code, message) from None
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise invalid(code, message)
    return name


def _qualified(name: object, zone: str) -> str:
    if not isinstance(name, str) or not name:
        raise invalid(9000, "DNS name is invalid.")
    if name == "@":
        return zone
    full = hostname(name, 9000, "DNS name is invalid.")
    full = full if full == zone or full.endswith("." + zone) else f"{full}.{zone}"
    if len(full) > 253:
        raise invalid(9000, "DNS name is invalid.")
    return full


def _content(kind: str, sent: Mapping[str, Any]) -> object:
    data = sent.get("data")
    if kind == "TLSA":
        return _tlsa(data if isinstance(data, Mapping) else {})
    if not isinstance(data, Mapping):
        if kind == "CAA":
            raise invalid(1004, "DNS Validation Error: a CAA record takes flags, tag and value in its data")
        return sent.get("content")
    if kind == "CAA":
        return f'{int(data["flags"])} {data["tag"]} "{data["value"]}"'
    if kind == "SRV":
        return f"{data['weight']} {data['port']} {data['target']}"
    if kind == "MX":
        return sent.get("content") or data.get("target")
    return sent.get("content")


def _tlsa(data: Mapping[str, Any]) -> str:
    """The content that Cloudflare makes of the data: the hexadecimal digits in upper case.

    Without data it is refused field by field (kubernetes-sigs/external-dns, pull request 6616).
    """
    numbers = ("usage", "selector", "matching_type")
    for key in (*numbers, "certificate"):
        if data.get(key) is None:
            raise invalid(9101, f"{key} is a required data field.")
    for key in numbers:
        value = data[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 255:
            raise invalid(9101, f"{key} must be a number from 0 to 255.")
    text = re.sub(r"\s", "", str(data["certificate"])).upper()
    if not re.fullmatch(r"([0-9A-F]{2})+", text):
        raise invalid(1004, "DNS Validation Error: certificate must be hexadecimal digits, two an octet")
    octets = {1: 32, 2: 64}.get(int(data["matching_type"]))  # RFC 6698, 2.1.3
    if octets is not None and len(text) != 2 * octets:
        raise invalid(1004, f"DNS Validation Error: certificate must have {octets} octets for this type")
    return " ".join([*(str(int(data[key])) for key in numbers), text])


def _ipv4(content: str) -> str:
    try:
        return str(ipaddress.IPv4Address(content))
    except ValueError:
        raise invalid(9005, "Content for A record must be a valid IPv4 address.") from None


def _ipv6(content: str) -> str:
    try:
        if "%" in content:
            raise ValueError
        return str(ipaddress.IPv6Address(content))
    except ValueError:
        raise invalid(9006, "Content for AAAA record must be a valid IPv6 address.") from None


def _mail_exchange(content: str) -> str:
    if content == ".":
        return content  # null MX, RFC 7505
    message = "Content for MX record must be a hostname."
    try:
        ipaddress.ip_address(content)
    except ValueError:
        return hostname(content, 9009, message)
    raise invalid(9009, message)


def _target(content: str) -> str:
    return hostname(content, 9007, "Content for CNAME record is invalid.")


def text_value(content: str) -> str:
    """The text of a TXT record's content, which may be quoted strings or the plain text."""
    if content.startswith('"') and not _QUOTED.sub("", content).strip():
        return "".join(re.sub(r"\\(.)", r"\1", part) for part in _QUOTED.findall(content))
    return content


def quoted_strings(value: str) -> str:
    """The text as quoted strings of at most 255 octets each."""
    parts, current = [], b""
    for character in value:
        octet = character.encode()
        if len(current) + len(octet) > 255:
            parts.append(current)
            current = b""
        current += octet
    parts.append(current)
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", part.decode()) + '"' for part in parts)


def _text(content: str) -> str:
    if len(text_value(content).encode()) > TXT_LENGTH:
        raise invalid(1004, f"DNS Validation Error: TXT content is longer than {TXT_LENGTH} characters")
    return content


_NORMAL = {
    "A": _ipv4,
    "AAAA": _ipv6,
    "MX": _mail_exchange,
    "CNAME": _target,
    "NS": _target,
    "PTR": _target,
    "TXT": _text,
}


def _priority(sent: Mapping[str, Any]) -> int:
    data = sent.get("data")
    value = sent.get("priority", data.get("priority") if isinstance(data, Mapping) else None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 65535:
        raise invalid(9100, "Missing or invalid priority: must be a number from 0 to 65535.")
    return int(value)


def _ttl(sent: Mapping[str, Any]) -> int:
    value = sent.get("ttl", 1)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (value != 1 and not 60 <= value <= 86400)
    ):
        raise invalid(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    return int(value)


def _proxied(kind: str, sent: Mapping[str, Any]) -> bool:
    value = sent.get("proxied") or False
    if value and kind not in PROXIABLE:
        raise invalid(9004, "This record type cannot be proxied.")
    return bool(value)


def _comment(value: object, most: int) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > most:
        raise invalid(1004, f"DNS Validation Error: comment is longer than {most} characters")
    return value


def _tags(value: object, plan: str) -> list[str]:
    if value and plan == "free":
        count = len(value) if isinstance(value, list) else 1
        raise invalid(9300, f"DNS record has {count} tags, exceeding the quota of 0.")
    return list(value) if isinstance(value, list) else []
