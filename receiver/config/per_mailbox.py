"""Reading the tables [keep] and [quota]: a number for a mailbox, or for each mailbox of a domain.

A key is an address or a domain. The number of an address is taken before that of its domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from receiver.addresses import fold_local
from receiver.config.tables import Reader
from receiver.mailbox import Mailbox
from receiver.recipients import Domain

LONGEST_KEEP = 36_500  # days
LARGEST_QUOTA = 2**63 - 1  # octets; the largest number of TOML


def keep(reader: Reader, top: Mapping[str, Any], domains: Iterable[Domain]) -> dict[Mailbox, int]:
    """The table [keep]: after how many days a message goes. Problems go to the reader."""
    return _numbers(reader, top, domains, "keep", f"days, from 1 to {LONGEST_KEEP}", LONGEST_KEEP)


def quota(reader: Reader, top: Mapping[str, Any], domains: Iterable[Domain]) -> dict[Mailbox, int]:
    """The table [quota]: how many octets of mail a mailbox may hold. Problems go to the reader."""
    return _numbers(reader, top, domains, "quota", "octets, at least 1", LARGEST_QUOTA)


def _numbers(
    reader: Reader, top: Mapping[str, Any], domains: Iterable[Domain], name: str, what: str, most: int
) -> dict[Mailbox, int]:
    by_name = {domain.name: domain for domain in domains}
    of_domains: dict[Mailbox, int] = {}
    of_addresses: dict[Mailbox, int] = {}
    for key, value in reader.table(top.get(name, {}), name).items():
        here = f'{name}."{key}"'
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            reader.complain(here, f"must be a whole number of {what}, not {value!r}")
            continue
        local, at, domain_name = key.rpartition("@")
        domain = by_name.get(domain_name)
        if domain is None:
            reader.complain(here, f"{domain_name!r} is not a domain served here")
        elif not at:
            of_domains |= {Mailbox(domain.name, box): value for box in domain.mailboxes or ()}
        elif fold_local(local) in (domain.mailboxes or ()):
            mailbox = Mailbox(domain.name, fold_local(local))
            if mailbox in of_addresses:
                reader.complain(here, "is named twice (case does not matter)")
            of_addresses[mailbox] = value
        elif fold_local(local) in domain.aliases:
            reader.complain(here, "is an alias, and holds no mail: name the mailboxes behind it")
        else:
            reader.complain(here, f"{local!r} is not a mailbox of {domain.name}")
    return of_domains | of_addresses
