"""What a letterbox.toml makes a receiver take mail for, and what another one no longer does. Pure.

The file on the host tells what the host serves, whoever deployed it. The file that the inventory wants is
read in the same way, so that two of a kind are compared.
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


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What was served and is to be served no longer."""

    hostname: str | None = None
    """The host's name until now, where it gets another."""
    domains: tuple[str, ...] = ()
    mailboxes: tuple[tuple[str, str], ...] = ()
    """Domain and mailbox, for the domains that stay."""


def parse(text: str) -> Served:
    """A letterbox.toml. Raises ValueError, with the reason, for what is none."""
    table = tomllib.loads(text)
    hostname, domains = table.get("hostname"), table.get("domains")
    if not isinstance(hostname, str) or not isinstance(domains, dict):
        raise ValueError("it lacks hostname or domains")
    return Served(_name(hostname), {_name(name): _mailboxes(each) for name, each in domains.items()})


def _name(text: str) -> str:
    """The name in A-labels and lower case. Raises ValueError for what is no name."""
    # Not by `dns.names`: `pyinfra … fact` imports this module with dnspython's `dns` in the place of ours.
    if text.isascii():
        return text.lower()
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise ValueError(f"{text!r} is no domain name: {error}") from None


def _mailboxes(table: object) -> tuple[str, ...]:
    names = table.get("mailboxes", []) if isinstance(table, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("a domain lacks its list of mailboxes")
    return tuple(name.lower() for name in names)


def given_up(before: Served | None, after: Served) -> GivenUp:
    """What `before` serves and `after` does not; nothing where nothing was served."""
    if before is None:
        return GivenUp()
    staying = [name for name in before.domains if name in after.domains]
    return GivenUp(
        hostname=before.hostname if before.hostname != after.hostname else None,
        domains=tuple(name for name in before.domains if name not in after.domains),
        mailboxes=tuple(
            (domain, mailbox)
            for domain in staying
            for mailbox in before.domains[domain]
            if mailbox not in after.domains[domain]
        ),
    )
