"""Reading the tables [hooks.NAME]: which mailboxes each hook gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from receiver.addresses import fold_local
from receiver.config.tables import Reader, join
from receiver.hook_queue import Hook, is_hook_name
from receiver.mailbox import Mailbox
from receiver.recipients import Domain


def hooks(reader: Reader, top: Mapping[str, Any], domains: Sequence[Domain]) -> tuple[Hook, ...]:
    """The hooks by their names. `domains` are those of the host. Problems go to the reader."""
    tables = reader.table(top.get("hooks", {}), "hooks")
    served = {domain.name: domain for domain in domains}
    return tuple(_hook(reader, name, value, served) for name, value in sorted(tables.items()))


def _hook(reader: Reader, name: str, value: Any, served: Mapping[str, Domain]) -> Hook:
    key = join("hooks", name)
    if not is_hook_name(name):
        reader.complain(
            key, "the name of a hook is a lower-case letter, and up to 31 more letters, digits and hyphens"
        )
    table = reader.table(value, key, {"mailboxes", "domains"})
    addresses = reader.strings(table, key, "mailboxes")
    names = reader.strings(table, key, "domains")
    if isinstance(value, dict) and not table.get("mailboxes") and not table.get("domains"):
        reader.complain(key, "gets no mail: it needs mailboxes, domains or both")
    mailboxes: set[Mailbox] = set()
    for address in addresses:
        mailbox, problem = _mailbox(address, served)
        if mailbox in mailboxes:
            problem = f"{address!r} is there twice"
        if problem:
            reader.complain(f"{key}.mailboxes", problem)
        mailboxes.add(mailbox)
    for number, each in enumerate(names):
        if each not in served:
            reader.complain(f"{key}.domains", f"{each!r} is not a domain served here")
        elif each in names[:number]:
            reader.complain(f"{key}.domains", f"{each!r} is there twice")
    return Hook(name, frozenset(mailboxes), frozenset(names))


def _mailbox(address: str, served: Mapping[str, Domain]) -> tuple[Mailbox, str | None]:
    """The mailbox of an address, and what is wrong with it."""
    local, _, name = address.rpartition("@")
    mailbox, domain = Mailbox(name, fold_local(local)), served.get(name)
    if not local:
        return mailbox, f"{address!r} is not of the form mailbox@domain"
    if domain is None:
        return mailbox, f"{address!r} is not at a domain served here"
    if domain.mailboxes is None or mailbox.name in domain.mailboxes:
        return mailbox, None
    if mailbox.name in domain.aliases:
        boxes = ", ".join(str(each) for each in domain.aliases[mailbox.name])
        return mailbox, f"{address!r} is an alias: name the mailboxes behind it, {boxes}"
    return mailbox, f"{address!r} is not a mailbox of {name}"
