"""How long a domain's mail is kept, and how much a mailbox may hold. Pure.

Both are given for a domain, which is for each of its mailboxes, or for one mailbox, which wins. There None
says that this mailbox has no such limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

KEYS = ("keep", "quota")
LONGEST_KEEP = 36_500  # days, as the receiver's configuration has it
LARGEST_QUOTA = 2**63 - 1  # octets; the largest number of TOML


def keep(
    of_domain: object,
    mailboxes: Iterable[str],
    options: Mapping[str, Mapping[object, object]],
    problems: list[str],
) -> dict[str, int]:
    """After how many days a message goes, by local part. A mailbox that keeps its mail is left out."""
    return _of_each("keep", of_domain, mailboxes, options, partial(days, problems=problems))


def quota(
    of_domain: object,
    mailboxes: Iterable[str],
    options: Mapping[str, Mapping[object, object]],
    problems: list[str],
) -> dict[str, int]:
    """How many octets of mail a mailbox may hold, by local part. One without a quota is left out."""
    return _of_each("quota", of_domain, mailboxes, options, partial(_octets, problems=problems))


def _of_each(
    key: str,
    of_domain: object,
    mailboxes: Iterable[str],
    options: Mapping[str, Mapping[object, object]],
    read: Callable[[str, object], int | None],
) -> dict[str, int]:
    general = read("", of_domain)
    found = {
        name: read(f"mailbox {name}: ", options[name][key]) if key in options.get(name, {}) else general
        for name in mailboxes
    }
    return {name: value for name, value in found.items() if value is not None}


def days(of: str, value: object, problems: list[str]) -> int | None:
    """The days of a `keep`, or None if there is none. `problems` gets what is wrong, with `of` before it."""
    if value is None:
        return None
    found = value.get("days") if isinstance(value, Mapping) and set(value) == {"days"} else None
    if isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= LONGEST_KEEP:
        return found
    problems.append(
        f'{of}keep must be {{"days": 30}}, with 1 to {LONGEST_KEEP} days, or left out, not {value!r}'
    )
    return None


def _octets(of: str, value: object, problems: list[str]) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_QUOTA:
        return value
    problems.append(
        f"{of}quota must be a whole number of octets such as 1_000_000_000, or left out, not {value!r}"
    )
    return None
