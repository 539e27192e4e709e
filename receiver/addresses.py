"""Paths and parameters of MAIL and RCPT (RFC 5321 sections 4.1.2 and 4.1.1.11, RFC 6531). Pure.

One regular expression parses a plain address. A slower parser handles quoted local parts, source routes,
address literals and UTF-8. Both accept harmless mistakes of senders: a space after the colon, missing angle
brackets, misplaced dots, local parts over 64 octets. Both refuse control characters anywhere.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


class AddressError(Exception):
    """A path or parameter cannot be parsed.

    `str(e)` is the reason. `enhanced` is the enhanced status code for the reply (RFC 3463).
    """

    def __init__(self, enhanced: str, reason: str) -> None:
        super().__init__(reason)
        self.enhanced = enhanced


@dataclass(frozen=True, slots=True)
class Address:
    """An address. `local` is without quoting. `domain` is in lower case, and empty for a bare local part."""

    local: str
    domain: str

    def __str__(self) -> str:
        local = _quote_local(self.local)
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def is_ascii(self) -> bool:
        return self.local.isascii() and self.domain.isascii()


@dataclass(frozen=True, slots=True)
class Path:
    """The argument of MAIL or RCPT. `address` is None for the null path `<>`.

    `parameters` maps each keyword, in upper case, to its value, or to None if it has no value.
    """

    address: Address | None
    parameters: Mapping[str, str | None]


_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_WIDE = r"\u00a0-\ud7ff\ue000-\U0010ffff"  # UTF-8 beyond ASCII (RFC 6531), without C1 controls
_PLAIN = re.compile(rf" *<([{_ATEXT}.]+)@([A-Za-z0-9.\-]+)>(?: +([!-~ ]*))?")
_DOT_ATOM = re.compile(rf"[{_ATEXT}{_WIDE}]+(?:\.[{_ATEXT}{_WIDE}]+)*")
_ROUTE = re.compile(r"@[^:<>\" ]+:")
_QUOTED = re.compile(rf'"((?:[ !#-\[\]-~{_WIDE}]|\\[ -~])*)"')
_ATOMS = re.compile(rf"[{_ATEXT}.{_WIDE}]+")
_DOMAIN = re.compile(rf"\[[!-Z^-~]+\]|[A-Za-z0-9._\-{_WIDE}]+")
_LABEL = re.compile(rf"[A-Za-z0-9_{_WIDE}](?:[A-Za-z0-9_\-{_WIDE}]*[A-Za-z0-9_{_WIDE}])?")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9\-]*)(?:=([!-<>-~\u00a0-\ud7ff\ue000-\U0010ffff]+))?")


@lru_cache(1024)
def _quote_local(local: str) -> str:
    """The local part, in quotes if it needs them (RFC 5321 section 4.1.2, Quoted-string)."""
    return local if _DOT_ATOM.fullmatch(local) else '"' + re.sub(r'([\\"])', r"\\\1", local) + '"'


@lru_cache(256)
def parse_path(keyword: str, argument: str) -> Path:
    """Parse the argument of MAIL or RCPT, such as `FROM:<a@b> SIZE=1`. `keyword` is FROM or TO.

    A bare local part comes back with an empty domain. Only `postmaster` is an address without a domain
    (RFC 5321 section 4.1.1.3); the caller decides that. Raises AddressError.
    """
    head, colon, rest = argument.partition(":")
    if not colon or head.strip(" ").upper() != keyword:
        verb = "MAIL" if keyword == "FROM" else "RCPT"
        raise AddressError("5.5.4", f"Syntax: {verb} {keyword}:<address>")
    plain = _PLAIN.fullmatch(rest)
    if plain:
        local, domain, tail = plain.groups()
        return Path(Address(local, _parse_domain(domain)), parse_parameters(tail) if tail else {})
    address, tail = _parse_path_start(rest.lstrip(" "))
    if tail and not tail.startswith(" "):
        raise _not_understood("text after the address")
    return Path(address, parse_parameters(tail))


def parse_address(text: str) -> Address:
    """Parse `local@domain`, without angle brackets. Raises AddressError."""
    address, rest = _parse_mailbox_start(text)
    if rest or not address.domain:
        raise _not_understood("not local@domain")
    return address


def parse_parameters(text: str) -> dict[str, str | None]:
    """Parse `SIZE=100 SMTPUTF8` into {"SIZE": "100", "SMTPUTF8": None}. Raises AddressError."""
    parameters: dict[str, str | None] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if not match:
            raise AddressError("5.5.4", "Parameter not understood: KEYWORD or KEYWORD=value expected")
        keyword = match[1].upper()
        if keyword in parameters:
            raise AddressError("5.5.4", f"Parameter {keyword} given twice")
        parameters[keyword] = match[2]
    return parameters


def fold_domain(domain: str) -> str:
    """The domain in lower case, composed (NFC), without a final dot. Converts no A-label into a U-label."""
    if not domain.isascii():
        domain = unicodedata.normalize("NFC", domain).replace("\u3002", ".")
    return domain.lower().removesuffix(".")


def fold_local(local: str) -> str:
    """The local part composed (NFC) and case-folded. Local parts that fold alike name one mailbox."""
    return unicodedata.normalize("NFC", local).casefold()


def parse_literal(domain: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address literal, such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`. None if it is not one.

    RFC 5321 section 4.1.3.
    """
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    text = domain[1:-1]
    try:
        if text[:5].lower() == "ipv6:":
            return ipaddress.IPv6Address(text[5:])
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _parse_path_start(text: str) -> tuple[Address | None, str]:
    """The path at the start of `text`, and the text that follows it."""
    if not text.startswith("<"):  # a sloppy sender: MAIL FROM:a@b
        return _parse_mailbox_start(text)
    text = text[1:].lstrip(" ")
    if text.startswith(">"):
        return None, text[1:]
    route = _ROUTE.match(text)
    if route:  # @one,@two:a@b. Source routes are accepted and ignored (RFC 5321 appendix C).
        text = text[route.end() :]
    address, rest = _parse_mailbox_start(text)
    rest = rest.lstrip(" ")
    if not rest.startswith(">"):
        raise _not_understood("closing > missing" if not rest else "a character that needs quoting")
    return address, rest[1:]


def _parse_mailbox_start(text: str) -> tuple[Address, str]:
    """The address at the start of `text`, and the text that follows it."""
    if quoted := _QUOTED.match(text):
        local, rest = re.sub(r"\\(.)", r"\1", quoted[1]), text[quoted.end() :]
    elif atoms := _ATOMS.match(text):
        local, rest = atoms[0], text[atoms.end() :]
    else:
        raise _not_understood("no local part")
    if not local.isascii():
        local = unicodedata.normalize("NFC", local)
    if not rest.startswith("@"):
        return Address(local, ""), rest
    domain = _DOMAIN.match(rest, 1)
    if not domain:
        raise _not_understood("no domain")
    return Address(local, _parse_domain(domain[0])), rest[domain.end() :]


@lru_cache(1024)
def _parse_domain(domain: str) -> str:
    if domain.startswith("["):
        if parse_literal(domain) is None:
            raise _not_understood("not an address literal")
        return domain.lower()
    domain = fold_domain(domain)
    labels = domain.split(".")
    if len(domain) > 253 or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels):
        raise _not_understood("invalid domain")
    return domain


def _not_understood(reason: str) -> AddressError:
    return AddressError("5.1.3", f"Address not understood: {reason}")
