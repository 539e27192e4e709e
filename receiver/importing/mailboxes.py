"""Which mailbox and which subfolder the user names, and what keeps old mail out of it. Pure."""

from __future__ import annotations

import re

from receiver.addresses import AddressError, fold_local, parse_address
from receiver.cli.command import Failure
from receiver.config.values import Config
from receiver.mailbox import Mailbox
from receiver.recipients import Directory, Domain

_SUBFOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _&,+-]*(\.[A-Za-z0-9][A-Za-z0-9 _&,+-]*)*")
_LONGEST_SUBFOLDER = 200


def named(config: Config, name: str) -> Mailbox:
    """The mailbox that the user names, as alice@example.com. Raises Failure if there is none of that name."""
    try:
        address = parse_address(name)
    except AddressError:
        raise Failure(f"{name}: name the mailbox with its domain, as alice@example.com", 2) from None
    domain = Directory(config.domains).served(address)
    if domain is None:
        known = ", ".join(each.name for each in config.domains)
        raise Failure(f"{name}: the configuration has no such domain, only {known}")
    local = fold_local(address.local)
    if local in domain.aliases:
        boxes = ", ".join(map(str, domain.aliases[local]))
        raise Failure(f"{name}: is an alias: import into the mailbox itself ({boxes})")
    if not _has(domain, local):
        known = ", ".join(sorted(domain.mailboxes or ()))
        raise Failure(f"{name}: the configuration has no such mailbox at {domain.name}, only {known}")
    return Mailbox(domain.name, local)


def _has(domain: Domain, local: str) -> bool:
    return domain.mailboxes is not None and local in domain.mailboxes


def subfolder(name: str) -> str:
    """The folder of the subfolder that the user names (Maildir++). Raises Failure."""
    if not _SUBFOLDER.fullmatch(name) or len(name) > _LONGEST_SUBFOLDER:
        raise Failure(
            f"--folder {name!r}: letters, digits and spaces, with dots between levels: Archive.2024", 2
        )
    return f".{name}"


def notes(config: Config, mailbox: Mailbox) -> list[str]:
    """What the user should know before old mail lies in this mailbox."""
    days = config.keep.get(mailbox)
    if days is None:
        return []
    return [f"{mailbox} keeps mail for {days} days: what is older is removed by the next daily run"]
