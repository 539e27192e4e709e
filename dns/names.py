"""The written forms that mail and DNS agree on: domain names, local parts, addresses.

Pure and without I/O. Domain names are brought to A-labels (RFC 5890), lower case, without the
root's dot; local parts keep to the dot-string of RFC 5321, less the slash, since they name folders.
"""

import ipaddress
import re
from collections.abc import Iterable
from difflib import get_close_matches

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+=?^_`{|}~-]+)*")

LONGEST = 253  # characters of a name in full (RFC 1035, section 2.3.4: 255 octets on the wire)
DOCUMENTATION = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)


def a_label(name: str) -> str:
    """The name in A-label form, lower case, without a trailing dot.

    Raises ValueError, with the reason in words, for what is no host or domain name (RFC 1123,
    RFC 5890), for a name of one label, and for an address.
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
            shown = f"the label {label!r} is not" if label else "an empty label is not"
            raise ValueError(f"is not a domain name: {shown} 1 to 63 letters, digits and inner hyphens")
    if len(labels) < 2:
        raise ValueError("has only one label, the world cannot look it up")
    if labels[-1].isdigit():
        raise ValueError("is not a domain name: it ends in a number, as an address does")
    return text


def below(name: str, prefix: str) -> str:
    """The name with these labels before it. Raises ValueError, with the limit, where that is too long."""
    if len(prefix) + 1 + len(name) > LONGEST:
        raise ValueError(
            f"has {len(name)} characters, and {prefix}. before it makes more than {LONGEST}: "
            f"at most {LONGEST - len(prefix) - 1} are possible"
        )
    return f"{prefix}.{name}"


def _to_ascii(text: str) -> str:
    import idna  # late: only names beyond ASCII pay for its tables

    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError(f"is not a domain name: {error}") from None


def local_part(text: str) -> str:
    """The local part in lower case. Raises ValueError, with the reason, for what cannot name a mailbox."""
    lowered = text.lower()
    if len(lowered) > 64:
        raise ValueError("is longer than 64 characters")
    if "@" in lowered:
        raise ValueError("holds an @: write only what stands before it")
    if not _LOCAL_PART.fullmatch(lowered):
        raise ValueError("is not a mailbox name: letters, digits, inner dots and !#$%&'*+=?^_`{|}~- are")
    return lowered


def is_within(name: str, zone: str) -> bool:
    """Whether the name is the zone's apex or stands below it (both in A-label form)."""
    return name == zone or name.endswith("." + zone)


def unreachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    """What kind of address this is, if the public Internet cannot reach it, else None."""
    if any(address in network for network in DOCUMENTATION if network.version == address.version):
        return "an example address of the documentation"
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast or address.is_unspecified:
        return "no host's address"
    if not address.is_global:
        return "a private address"
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean X?)`` for the nearest known word, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
