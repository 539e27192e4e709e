"""The text of an SPF record (RFC 7208 sections 4.6 and 12). Pure.

A record is parsed whole before any of it is evaluated, because an error anywhere in it is a permerror. The
time is in proportion to the length, whatever a stranger publishes.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from receiver.checks.spf import macros
from receiver.checks.spf.macros import PermanentError, Text

_TERM = re.compile(r"([+\-?~]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:([:/])(.*))?", re.I)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9\-_.]*)=(.*)")
_LENGTHS = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
_NOT_PRINTABLE = re.compile(rb"[^ -~]")
_LABEL = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9]")
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral", "": "pass"}
_REMEMBERED, _LONGEST_REMEMBERED = 256, 512  # records, and octets of each: a few megabytes at most


class Network(NamedTuple):
    """`ip4` and `ip6`: the leading bits of an address, as a number, and how many bits follow them."""

    version: int
    leading: int
    rest: int


class Mechanism(
    NamedTuple
):  # a hostile record has thousands, and a dataclass takes three times as long to make
    """A directive: the result if the mechanism of this name matches."""

    result: str
    name: str
    domain: Text | None = None  # None is the domain of the record
    length4: int = 32
    length6: int = 128
    network: Network | None = None


_BARE = {
    f"{qualifier}{name}": Mechanism(result, name)
    for qualifier, result in _RESULTS.items()
    for name in ("all", "a", "mx", "ptr")
}


@dataclass(frozen=True, slots=True)
class Record:
    """The mechanisms in their order, and the modifiers."""

    mechanisms: tuple[Mechanism, ...]
    redirect: Text | None = None
    explanation: Text | None = None


def is_record(octets: bytes) -> bool:
    """Whether a TXT record is one of SPF (section 4.5)."""
    return octets[:6].lower() == b"v=spf1" and octets[6:7] in (b"", b" ")


def parse(octets: bytes) -> Record:
    """Parse a TXT record that `is_record`. Raises PermanentError."""
    parsed = _remembered(octets) if len(octets) <= _LONGEST_REMEMBERED else _parsed(octets)
    if isinstance(parsed, str):
        raise PermanentError(parsed)
    return parsed


def _parsed(octets: bytes) -> Record | str:
    """The record, or what is wrong with it. A remembered exception would keep its frames alive."""
    try:
        return _parse(octets)
    except PermanentError as error:
        return str(error)


_remembered = lru_cache(_REMEMBERED)(_parsed)


def _parse(octets: bytes) -> Record:
    if _NOT_PRINTABLE.search(octets):
        raise PermanentError("a character that is not printable ASCII")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, Text] = {}
    for word in octets[6:].decode("ascii").split(" "):
        if not word:
            continue
        if bare := _BARE.get(word):
            mechanisms.append(bare)
        elif term := _TERM.fullmatch(word):
            mechanisms.append(_mechanism(term))
        elif modifier := _MODIFIER.fullmatch(word):
            _add_modifier(modifiers, modifier[1].lower(), modifier[2])
        else:
            raise _cannot_read(word)
    return Record(tuple(mechanisms), modifiers.get("redirect"), modifiers.get("exp"))


def _add_modifier(modifiers: dict[str, Text], name: str, value: str) -> None:
    if name not in ("redirect", "exp"):
        macros.parse(value, macros.IN_EXPLANATIONS)  # unknown, but its macros must be right (section 6)
        return
    if name in modifiers:
        raise PermanentError(f"{name}= is there twice")
    modifiers[name] = _domain(value)


def _mechanism(term: re.Match[str]) -> Mechanism:
    qualifier, name, mark, rest = term[1], term[2].lower(), term[3], term[4]
    result = _RESULTS[qualifier]
    if name in ("ip4", "ip6") and mark == ":":
        return Mechanism(result, name, network=_network(name, rest))
    if name == "all" and not mark:
        return Mechanism(result, name)
    if name in ("include", "exists", "ptr") and mark == ":":
        return Mechanism(result, name, _domain(rest))
    if name == "ptr" and not mark:
        return Mechanism(result, name)
    if name in ("a", "mx"):
        if not mark:
            return Mechanism(result, name)
        if mark == "/":
            return Mechanism(result, name, None, *_lengths(f"/{rest}"))
        slash = rest.find("/", len(rest.rstrip("0123456789/")))
        end = slash if slash >= 0 else len(rest)
        return Mechanism(result, name, _domain(rest[:end]), *_lengths(rest[end:]))
    raise _cannot_read(term[0])


def _network(name: str, text: str) -> Network:
    address, slash, length = text.partition("/")
    try:
        if name == "ip4":
            known: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv4Address(address)
        else:
            known = ipaddress.IPv6Address(address)
    except ValueError:
        raise _cannot_read(f"{name}:{text}") from None
    bits: int = known.max_prefixlen
    if slash:
        if not _LENGTH.fullmatch(length) or int(length) > bits:
            raise _cannot_read(f"{name}:{text}")
        bits = int(length)
    if "%" in address:  # ipaddress takes the scope of an interface
        raise _cannot_read(f"{name}:{text}")
    rest = known.max_prefixlen - bits
    return Network(known.version, int(known) >> rest, rest)


def _lengths(text: str) -> tuple[int, int]:
    """The prefix lengths for IPv4 and IPv6 of `/24//64`, `/24`, `//64` or nothing."""
    found = _LENGTHS.fullmatch(text)
    if not found or int(found[1] or 0) > 32 or int(found[2] or 0) > 128:
        raise PermanentError(f"cannot read the prefix length {text[:40]!r}")
    return int(found[1] or 32), int(found[2] or 128)


def _domain(text: str) -> Text:
    """A domain-spec: it ends with a macro, or with a dot and a label that can be a top-level one."""
    pieces = macros.parse(text)
    end = macros.literal_end(text)
    if end or not text:
        dot, top = end.removesuffix(".").rpartition(".")[1:]
        if not dot or not _LABEL.fullmatch(top) or top.isdigit():
            raise PermanentError(f"{text[:60]!r} is not a domain name")
    return pieces


def _cannot_read(word: str) -> PermanentError:
    return PermanentError(f"cannot read {word[:60]!r}")
