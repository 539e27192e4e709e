"""Reading the mailboxes of a host with a mail client: whether, and who may besides root. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dns.names import a_label, local_part

IMAP, READERS = "imap", "readers"
KEYS = (IMAP, READERS)
_EXAMPLE = '{"alice@example.com": ["alice"]}'
# Both stand in a rule of sudoers(5). There an upper-case word may be an alias, ALL is everybody, and other
# characters separate or match.
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_MAILBOX = re.compile(r"[a-z0-9_][a-z0-9._+-]*@[a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class WantedImap:
    """Mail clients read the mailboxes of the host by `letterbox imap`.

    `readers` gives the users of the host who may read a mailbox, by its address with an A-label domain.
    """

    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def from_data(data: Mapping[str, object], problems: Mapping[str, list[str]]) -> WantedImap | None:
    """What is wanted, or None. `problems` gets what is wrong, by its key."""
    wanted = data.get(IMAP)
    wanted = False if wanted is None else wanted
    if not isinstance(wanted, bool):
        problems[IMAP].append(f"{IMAP} must be True or False, not {wanted!r}")
    readers = _readers(data.get(READERS), problems[READERS])
    if readers and wanted is False:
        problems[READERS].append(f'{READERS} needs "{IMAP}": True: add it, or take {READERS} out')
    return WantedImap(readers) if wanted is True else None


def _readers(value: object, problems: list[str]) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(f"{READERS} must be a dict such as {_EXAMPLE}, not {value!r}")
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for key, given in value.items():
        mailbox = _mailbox(key, problems)
        users = [given] if isinstance(given, str) else given
        if not isinstance(users, list | tuple) or not users:
            problems.append(f"{READERS}: {key} must have a list of users such as {_EXAMPLE}, not {given!r}")
            continue
        for user in users:
            if not isinstance(user, str) or not _USER.fullmatch(user):
                problems.append(f'{READERS}: {user!r} is not the name of a user: write it as in "alice"')
            elif user == "root":
                problems.append(f"{READERS}: root reads every mailbox anyway: take it out")
        if mailbox in found:
            problems.append(f"{READERS}: {mailbox} is named twice: name it once")
        found[mailbox] = tuple(map(str, users))
    return found


def _mailbox(key: object, problems: list[str]) -> str:
    """The address in the form in which the rule has it. `key` as it is if that is not possible."""
    text = str(key)
    local, at, domain = text.rpartition("@")
    if not at:
        problems.append(f"{READERS}: {text!r} is no address: write it as in alice@example.com")
        return text
    try:
        mailbox = f"{local_part(local)}@{a_label(domain)}"
    except ValueError as error:
        problems.append(f"{READERS}: mailbox {text!r} {error}: write it as in alice@example.com")
        return text
    if not _MAILBOX.fullmatch(mailbox):
        problems.append(
            f"{READERS}: mailbox {text!r} has a character that a rule of sudo cannot have: it can have "
            "letters, digits, and . _ + -"
        )
    return mailbox
