"""Paths and parameters of MAIL and RCPT (RFC 5321 sections 4.1.2 and 4.1.1.11, RFC 6531), as text.

Pure. Plain addresses take one regular expression; quoted local parts, source routes, literals and
UTF-8 take the longer way. Lenient where a sender is sloppy but harmless: a space after the colon, no
angle brackets, dots at odd places, local parts over 64. Control characters are refused anywhere.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


class AddressError(Exception):
    """A path or parameter that cannot be used; `str(e)` is the whole reply to the client."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox name: `local` without quoting, `domain` lower case, or empty for bare postmaster."""

    local: str
    domain: str

    def __str__(self) -> str:
        local = _spelled(self.local)
        return f"{local}@{self.domain}" if self.domain else local

    @property
    def is_ascii(self) -> bool:
        return self.local.isascii() and self.domain.isascii()


@dataclass(frozen=True, slots=True)
class Path:
    """The argument of MAIL or RCPT: an address, or None for the null path `<>`, and its parameters."""

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
def _spelled(local: str) -> str:
    """A local part with its quotes, where it needs them."""
    return local if _DOT_ATOM.fullmatch(local) else '"' + re.sub(r'([\\"])', r"\\\1", local) + '"'


@lru_cache(256)
def parse_path(keyword: str, argument: str) -> Path:
    """`FROM:<a@b> SIZE=1` with its keyword, FROM or TO. Raises AddressError with the reply to give.

    A bare local part comes back with an empty domain; only for postmaster is that an address.
    """
    head, colon, rest = argument.partition(":")
    if not colon or head.strip(" ").upper() != keyword:
        raise AddressError(f"501 5.5.4 Syntax: {'MAIL' if keyword == 'FROM' else 'RCPT'} {keyword}:<address>")
    plain = _PLAIN.fullmatch(rest)
    if plain:
        local, domain, tail = plain.groups()
        return Path(Address(local, _checked_domain(domain)), parse_parameters(tail) if tail else {})
    address, tail = _scan(rest.lstrip(" "))
    if tail and not tail.startswith(" "):
        raise _bad("text after the address")
    return Path(address, parse_parameters(tail))


def parse_address(text: str) -> Address:
    """An address on its own, `local@domain`, without angle brackets."""
    address, rest = _mailbox(text)
    if rest or not address.domain:
        raise _bad("not local@domain")
    return address


def parse_parameters(text: str) -> dict[str, str | None]:
    """`SIZE=100 BODY=8BITMIME` as {"SIZE": "100", "BODY": "8BITMIME"}; a keyword alone maps to None."""
    parameters: dict[str, str | None] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if not match:
            raise AddressError("501 5.5.4 Parameter not understood: KEYWORD or KEYWORD=value expected")
        keyword = match[1].upper()
        if keyword in parameters:
            raise AddressError(f"501 5.5.4 Parameter {keyword} given twice")
        parameters[keyword] = match[2]
    return parameters


def fold_domain(domain: str) -> str:
    """One spelling for one domain: lower case, composed, without a final dot. A- and U-labels stay apart."""
    if not domain.isascii():
        domain = unicodedata.normalize("NFC", domain).replace("\u3002", ".")
    return domain.lower().removesuffix(".")


def fold_local(local: str) -> str:
    """One spelling for one mailbox: composed (NFC), and without regard to case."""
    return unicodedata.normalize("NFC", local).casefold()


def literal(domain: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a domain literal like `[192.0.2.1]` or `[IPv6:2001:db8::1]` names, if it is one."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    text = domain[1:-1]
    try:
        if text[:5].lower() == "ipv6:":
            return ipaddress.IPv6Address(text[5:])
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _scan(text: str) -> tuple[Address | None, str]:
    """The address at the start of `text` and what follows it."""
    if not text.startswith("<"):  # sloppy: MAIL FROM:a@b
        address, rest = _mailbox(text)
        return address, rest
    text = text[1:].lstrip(" ")
    if text.startswith(">"):
        return None, text[1:]
    route = _ROUTE.match(text)
    if route:  # @one,@two:a@b: accepted and ignored (RFC 5321 appendix C)
        text = text[route.end() :]
    address, rest = _mailbox(text)
    rest = rest.lstrip(" ")
    if not rest.startswith(">"):
        raise _bad("closing > missing" if not rest else "a character that needs quoting")
    return address, rest[1:]


def _mailbox(text: str) -> tuple[Address, str]:
    if quoted := _QUOTED.match(text):
        local, rest = re.sub(r"\\(.)", r"\1", quoted[1]), text[quoted.end() :]
    elif atoms := _ATOMS.match(text):
        local, rest = atoms[0], text[atoms.end() :]
    else:
        raise _bad("no local part")
    if not local.isascii():
        local = unicodedata.normalize("NFC", local)
    if not rest.startswith("@"):
        return Address(local, ""), rest
    domain = _DOMAIN.match(rest, 1)
    if not domain:
        raise _bad("no domain")
    return Address(local, _checked_domain(domain[0])), rest[domain.end() :]


@lru_cache(1024)
def _checked_domain(domain: str) -> str:
    if domain.startswith("["):
        if literal(domain) is None:
            raise _bad("domain literal not understood")
        return domain.lower()
    domain = fold_domain(domain)
    labels = domain.split(".")
    if len(domain) > 253 or not all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels):
        raise _bad("invalid domain")
    return domain


def _bad(reason: str) -> AddressError:
    return AddressError(f"501 5.1.3 Address not understood: {reason}")
