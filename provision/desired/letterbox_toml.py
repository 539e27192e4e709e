"""letterbox.toml: what the inventory says to the receiver of a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from dns.inventory import Domain, MailHost
from dns.inventory.hooks.values import Hook
from dns.inventory.store.values import Store
from provision.host import layout

_HEAD = Path(__file__).resolve().parents[2] / "files" / "letterbox.toml"


@dataclass(frozen=True, slots=True)
class Checks:
    """How senders are checked: the socket of the resolver, and the names of all our hosts."""

    resolver: str
    names: tuple[str, ...]


def letterbox_toml(
    host: MailHost, domains: Sequence[Domain], checks: Checks | None = None, store: Store | None = None
) -> str:
    """The file for a host that serves these domains. It begins with the comment in files/letterbox.toml.

    Without `checks` the receiver checks no sender.
    """
    table: dict[str, Any] = {"hostname": host.hostname, "mail": layout.MAIL, "workers": host.workers}
    if host.log_headers:
        # Left out unless it is asked for, so that a plain inventory keeps the generation that it has.
        table["log_headers"] = True
    if checks:
        table["checks"] = {"resolver": checks.resolver, "names": list(checks.names)}
    if store:
        table["store"] = {"promise": store.promise, "socket": layout.BUCKET_SOCKET}
    table["tls"] = {"certificate": layout.CERTIFICATE, "key": layout.KEY}
    if host.spam_filter:
        table["spam_filter"] = {"socket": host.spam_filter.socket, "refuses": host.spam_filter.refuses}
    if host.hooks:
        table["hooks"] = {hook.name: _hook_table(hook) for hook in host.hooks}
    limits = {
        "keep": _per_mailbox((domain, domain.keep) for domain in domains),
        "quota": _per_mailbox((domain, domain.quota) for domain in domains),
    }
    table |= {name: numbers for name, numbers in limits.items() if numbers}
    table["domains"] = {domain.name: _domain_table(domain) for domain in domains}
    return f"{_HEAD.read_text()}\n{tomli_w.dumps(table)}"


def _hook_table(hook: Hook) -> dict[str, list[str]]:
    named = {"mailboxes": hook.mailboxes, "domains": hook.domains}
    return {key: list(names) for key, names in named.items() if names}


def _per_mailbox(limits: Iterable[tuple[Domain, Mapping[str, int]]]) -> dict[str, int]:
    """The numbers by address, or by domain where all mailboxes of a domain have the same."""
    table: dict[str, int] = {}
    for domain, numbers in limits:
        if len(numbers) == len(domain.mailboxes) and len(set(numbers.values())) == 1:
            table[domain.name] = next(iter(numbers.values()))
        else:
            table |= {f"{name}@{domain.name}": number for name, number in numbers.items()}
    return table


def _domain_table(domain: Domain) -> dict[str, Any]:
    table: dict[str, Any] = {
        "mailboxes": list(domain.mailboxes),
        "subaddress_separators": domain.subaddress_separators,
        "aliases": {name: list(targets) for name, targets in domain.aliases.items()},
    }
    if domain.catch_all:  # TOML has no null; without the key, unknown recipients are refused
        table["catch_all"] = domain.catch_all
    if domain.reject_forged:
        table["reject_forged"] = True
    return table
