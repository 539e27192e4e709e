"""What a letterbox.toml makes a receiver take mail for.

The file on the host tells what the host serves, whoever deployed it. The file that the inventory asks for is
read by the same function, so the two values can be compared.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """The name that a receiver greets by, and its mailboxes by domain (A-labels)."""

    hostname: str
    domains: Mapping[str, tuple[str, ...]]
    promise: str = ""
    """What a 250 means if there is a store, `disk` or `bucket`. Empty without a store."""


def parse_served(text: str) -> Served:
    """What a letterbox.toml serves. Raises ValueError, with the reason, for any other text."""
    table = tomllib.loads(text)
    hostname, domains = table.get("hostname"), table.get("domains")
    if not isinstance(hostname, str) or not isinstance(domains, dict):
        raise ValueError("it lacks hostname or domains")
    store = table.get("store")
    promise = store.get("promise", "disk") if isinstance(store, dict) else ""
    mailboxes = {_a_label(name): _mailboxes(each) for name, each in domains.items()}
    return Served(_a_label(hostname), mailboxes, str(promise))


def _a_label(text: str) -> str:
    """The name in A-labels and lower case. Raises ValueError if it is no domain name."""
    if text.isascii():
        return text.lower()
    import idna  # late: only names beyond ASCII pay for its tables

    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError(f"{text!r} is no domain name: {error}") from None


def _mailboxes(table: object) -> tuple[str, ...]:
    names = table.get("mailboxes", []) if isinstance(table, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("a domain lacks its list of mailboxes")
    return tuple(name.lower() for name in names)
