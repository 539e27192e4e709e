"""Does a recipient exist, and in which mailboxes does its mail go? Pure: decided from the configuration.

Local parts are compared without regard to case. In order: mailbox, alias, the same without its
sub-address, postmaster (RFC 5321 section 4.5.1), catch-all.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from receiver.addresses import Address, fold_domain, fold_local, literal
from receiver.mailbox import Mailbox, is_folder_name


class UnknownRecipient(Exception):
    """The address reaches no mailbox here; `str(e)` is the address as a reply shows it."""


class NotServed(UnknownRecipient):
    """Its domain is not ours."""


class NoMailbox(UnknownRecipient):
    """Its domain is ours, and has no such mailbox."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A mailbox that a recipient reaches, and the address its copy says it was delivered to."""

    mailbox: Mailbox
    delivered_to: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A served domain. `mailboxes` None: any local part is a mailbox. Aliases are expanded to mailboxes."""

    name: str
    mailboxes: frozenset[str] | None
    aliases: Mapping[str, tuple[Mailbox, ...]]
    catch_all: str | None = None
    subaddress_separators: str = "+"
    postmaster: str = "postmaster"


class Directory:
    """All served domains, by A-label and by U-label, and our own address literals."""

    def __init__(self, domains: Iterable[Domain], addresses: Iterable[str] = ()) -> None:
        self._domains: dict[str, Domain] = {}
        for domain in domains:
            self._domains[domain.name] = domain
            self._domains[unicode_domain(domain.name)] = domain
        self._first = next(iter(self._domains.values()), None)
        self._addresses = {ipaddress.ip_address(address) for address in addresses}
        self.destinations = lru_cache(256)(self._destinations)

    def _destinations(self, address: Address) -> tuple[Destination, ...]:
        """The mailboxes of `address`, at least one. Raises NotServed, NoMailbox."""
        domain = self.served(address)
        if domain is None:
            raise NotServed(as_reply(address))
        local = fold_local(address.local)
        aliased = domain.aliases.get(local)
        name = None if aliased else _mailbox_name(domain, local)
        if name is None and aliased is None:
            aliased = _aliased_subaddress(domain, local)
        if aliased:
            return tuple(Destination(mailbox, str(mailbox)) for mailbox in aliased)
        name = name or domain.catch_all
        if name is None:
            raise NoMailbox(as_reply(address))
        delivered_to = str(address) if address.domain else f"{address.local}@{domain.name}"
        return (Destination(Mailbox(domain.name, name), delivered_to),)

    def served(self, address: Address) -> Domain | None:
        """The domain that the address is at; None if it is not ours."""
        if not address.domain:
            return self._first if fold_local(address.local) == "postmaster" else None
        if address.domain.startswith("["):
            return self._first if literal(address.domain) in self._addresses else None
        return self._domains.get(address.domain)


def unicode_domain(name: str) -> str:
    """The U-label form of an A-label name. Undecodable labels stay as they are."""
    labels = []
    for label in name.split("."):
        if label.startswith("xn--"):
            with contextlib.suppress(UnicodeError):
                label = label[4:].encode("ascii").decode("punycode")
        labels.append(label)
    return fold_domain(".".join(labels))


def without_subaddress(domain: Domain, local: str) -> str | None:
    """The part before the first separator, None if there is none (or nothing before it)."""
    cuts = [at for separator in domain.subaddress_separators if (at := local.find(separator, 1)) > 0]
    return local[: min(cuts)] if cuts else None


def as_reply(address: Address) -> str:
    """The address for a reply: bounded, and one line as parsed addresses hold no control characters."""
    text = f"<{address}>"
    return text if len(text) <= 256 else text[:252] + "...>"


def _mailbox_name(domain: Domain, local: str) -> str | None:
    for name in (local, without_subaddress(domain, local)):
        if name is None:
            continue
        if (
            domain.mailboxes is None
            and is_folder_name(name)
            and name == (without_subaddress(domain, name) or name)
        ):
            return name
        if domain.mailboxes is not None and name in domain.mailboxes:
            return name
        if name == "postmaster" and name not in domain.aliases:
            return domain.postmaster
    return None


def _aliased_subaddress(domain: Domain, local: str) -> tuple[Mailbox, ...] | None:
    name = without_subaddress(domain, local)
    return domain.aliases.get(name) if name else None
