"""Domain names, local parts and IP addresses in one written form. Pure.

A domain name is in A-label form (RFC 5890), in lower case, without the root's dot. A local part is a
dot-string (RFC 5321) without a slash, because it names a folder.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from difflib import get_close_matches

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+=?^_`{|}~-]+)*")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST = 253  # characters of a full name (RFC 1035, section 2.3.4 allows 255 octets on the wire)
DOCUMENTATION = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)


def a_label(name: str) -> str:
    """Return the name in A-label form, in lower case, without a trailing dot.

    Raises ValueError, with the reason in words, if the text is not a host or domain name (RFC 1123,
    RFC 5890), if it has one label only, and if it is an address.
    """
    text = name.strip().removesuffix(".").lower()
    if not text.isascii():
        text = _to_ascii(text)
    if not text:
        raise ValueError("is empty")
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    labels = text.split(".")
    for label in labels:
        if not _LABEL.fullmatch(label):
            found = f"the label {label!r}" if label else "an empty label"
            raise ValueError(
                f"is not a domain name: {found} is not 1 to 63 letters, digits and inner hyphens"
            )
    if len(labels) < 2:
        raise ValueError("has only one label, so the world cannot look it up")
    if labels[-1].isdigit():
        raise ValueError("is not a domain name: it ends in a number, as an address does")
    return text


def below(name: str, prefix: str) -> str:
    """Return the name with these labels before it. Raises ValueError, with the limit, if that is too long."""
    if len(prefix) + 1 + len(name) > LONGEST:
        raise ValueError(
            f"has {len(name)} characters, and with {prefix}. before it more than {LONGEST}: "
            f"it may have at most {LONGEST - len(prefix) - 1}"
        )
    return f"{prefix}.{name}"


def _to_ascii(text: str) -> str:
    import idna  # late: its tables load slowly, and only names beyond ASCII need them

    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError(f"is not a domain name: {error}") from None


def local_part(text: str) -> str:
    """Return the local part in lower case. Raises ValueError if it cannot name a mailbox."""
    lowered = text.lower()
    if len(lowered) > 64:
        raise ValueError("is longer than 64 characters")
    if "@" in lowered:
        raise ValueError("holds an @: write only the part before it")
    if not _LOCAL_PART.fullmatch(lowered):
        raise ValueError("is not a mailbox name: use letters, digits, inner dots and !#$%&'*+=?^_`{|}~-")
    return lowered


def is_within(name: str, zone: str) -> bool:
    """Whether the name is the zone's apex or below it (both in A-label form)."""
    return name == zone or name.endswith("." + zone)


def is_ip_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address, with or without a root's dot behind it."""
    try:
        ipaddress.ip_address(text.rstrip("."))
    except ValueError:
        return False
    return True


def ip_version(address: str) -> int:
    """The IP version of an address in text form: 4 or 6. Nothing else is checked."""
    return 6 if ":" in address else 4


def is_documentation(address: IPAddress) -> bool:
    """Whether the address is reserved for examples (RFC 5737, RFC 3849, RFC 9637)."""
    return any(address in network for network in DOCUMENTATION if network.version == address.version)


def why_unreachable(address: IPAddress) -> str | None:
    """What kind of address this is if the public Internet cannot reach it, else None."""
    if is_documentation(address):
        return "an example address from documentation"
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast or address.is_unspecified:
        return "not the address of a host"
    if not address.is_global:
        return "a private address"
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean X?)` for the nearest known word, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def shortened(value: object) -> str:
    """A value as it stands in the inventory, for a message: at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
