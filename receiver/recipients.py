"""Whether a recipient exists, and which mailboxes get its mail. Pure: the configuration decides.

Local parts are compared without regard to case. The first of these that exists gets the mail: a mailbox or
alias of that name, a mailbox or alias of that name without its sub-address, the mailbox of postmaster
(RFC 5321 section 4.5.1), the catch-all.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from receiver.addresses import Address, fold_domain, fold_local, parse_literal
from receiver.mailbox import Mailbox, is_folder_name


class UnknownRecipient(Exception):
    """The address reaches no mailbox here. `str(e)` is the address as a reply writes it."""


class NotServed(UnknownRecipient):
    """The address is not at a domain that this receiver serves."""


class NoMailbox(UnknownRecipient):
    """The domain of the address is served here, but has no such mailbox."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A mailbox that a recipient reaches. `delivered_to` goes into the Delivered-To field of its copy."""

    mailbox: Mailbox
    delivered_to: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A served domain. If `mailboxes` is None, any local part is a mailbox.

    `name` is an A-label name. `aliases` maps each alias to the mailboxes behind it. `subaddress_separators`
    are single characters. `postmaster` is the mailbox that gets postmaster's mail. `rejects_forged` says
    whether a message is refused if it fails DMARC and the owner of its author's domain asks to reject it.
    """

    name: str
    mailboxes: frozenset[str] | None
    aliases: Mapping[str, tuple[Mailbox, ...]]
    catch_all: str | None = None
    subaddress_separators: str = "+"
    postmaster: str = "postmaster"
    rejects_forged: bool = False


class Directory:
    """The served domains, under their A-label and U-label names, and the host's own IP addresses."""

    def __init__(self, domains: Iterable[Domain], addresses: Iterable[str] = ()) -> None:
        self._domains: dict[str, Domain] = {}
        for domain in domains:
            self._domains[domain.name] = domain
            self._domains[unicode_domain(domain.name)] = domain
        self._first = next(iter(self._domains.values()), None)
        self._addresses = {ipaddress.ip_address(address) for address in addresses}
        self.destinations = lru_cache(256)(self._destinations)

    def _destinations(self, address: Address) -> tuple[Destination, ...]:
        """The mailboxes that get the mail for `address`, at least one. Raises NotServed or NoMailbox."""
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
        """The domain of the address; None if it is not served here.

        Bare `postmaster` and our own address literals belong to the first domain (RFC 5321 section 4.1.1.3).
        """
        if not address.domain:
            return self._first if fold_local(address.local) == "postmaster" else None
        if address.domain.startswith("["):
            return self._first if parse_literal(address.domain) in self._addresses else None
        return self._domains.get(address.domain)


def is_named(wanted: str, mailbox: Mailbox) -> bool:
    """Whether a user means this mailbox, by its name or address in any case, and in Unicode, too."""
    local, at, domain = wanted.rpartition("@")
    if not at or wanted == mailbox.name:
        return mailbox.name in (wanted, fold_local(wanted))
    is_domain = fold_domain(domain) in (mailbox.domain, unicode_domain(mailbox.domain))
    return is_domain and mailbox.name in (local, fold_local(local))


def unicode_domain(name: str) -> str:
    """The U-label form of an A-label name (RFC 5890). A label that cannot be decoded stays as it is."""
    labels = []
    for label in name.split("."):
        if label.startswith("xn--"):
            with contextlib.suppress(UnicodeError):
                label = label[4:].encode("ascii").decode("punycode")
        labels.append(label)
    return fold_domain(".".join(labels))


def without_subaddress(domain: Domain, local: str) -> str | None:
    """The local part before its first separator; None if it has no separator or begins with one."""
    cuts = [at for separator in domain.subaddress_separators if (at := local.find(separator, 1)) > 0]
    return local[: min(cuts)] if cuts else None


def as_reply(address: Address) -> str:
    """The address in angle brackets for a reply, at most 256 characters."""
    # It is one line, because a parsed address holds no control characters.
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
