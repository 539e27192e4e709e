"""Which resolver to ask: the one that the user named, else the system's."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dns.errors import SyncError, WrongSetting

if TYPE_CHECKING:
    from dns.resolver import Resolver

VARIABLE = "LETTERBOX_RESOLVER"
PUBLIC_RESOLVERS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
"""Resolvers outside of this network that check signatures (RFC 4035)."""


def check_resolver(text: str) -> str:
    """Return the text if it is `ADDRESS` or `ADDRESS#PORT`. Raises ValueError with the reason otherwise."""
    address, mark, port = text.partition("#")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"{address!r} is not an IP address: give ADDRESS or ADDRESS#PORT") from None
    if mark and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ValueError(f"{port!r} is not a port from 1 to 65535: give ADDRESS or ADDRESS#PORT")
    return text


def named_resolver(given: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The resolver that was given, else that of LETTERBOX_RESOLVER, else None. Raises WrongSetting."""
    name, text = ("--resolver", given) if given else (VARIABLE, environ.get(VARIABLE))
    try:
        return check_resolver(text) if text else None
    except ValueError as error:
        raise WrongSetting(f"{name}: {error}") from None


def resolver_at(text: str | None) -> Resolver:
    """The resolver at `ADDRESS` or `ADDRESS#PORT`, or the system's if there is no text. Raises SyncError."""
    import dns.resolver as dns_resolver  # late: most runs ask no resolver

    try:
        if not text:
            return dns_resolver.Resolver()
        address, _, port = check_resolver(text).partition("#")
        resolver = dns_resolver.Resolver(configure=False)
        resolver.nameservers = [address]
        resolver.port = int(port or 53)
        return resolver
    except ValueError as error:
        raise SyncError(f"resolver {text}: {error}") from None
    except dns_resolver.NoResolverConfiguration as error:
        raise SyncError(f"resolver of the system: {error}: name one with --resolver") from None
